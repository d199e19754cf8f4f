// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* As EXPORT_SYMBOL lays it out: a section for each symbol. */
#define EXPORT(name)                                                                                          \
	static const char exported_as_##name[] __attribute__((section("__ksymtab_strings"), used)) = #name; \
	static const struct {                                                                                 \
		void (*function)(void);                                                                       \
		const char *text;                                                                             \
	} ksymtab_##name __attribute__((section("___ksymtab_gpl+" #name), used)) = { name, exported_as_##name }

void work(void)
{
}
EXPORT(work);

#ifdef PATCHED
void added(void)
{
}
EXPORT(added);
#endif
