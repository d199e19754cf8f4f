// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* The line numbers of all that follows differ, and a new string goes before the others in the string section. */
#ifdef PATCHED
#line 1000
static noinline void added(void)
{
	printk("a new string");
}
#endif

void first(int value)
{
	if (value)
		BUG_FLAGS(1);
	printk("first");
}

extern void __might_sleep(const char *file, int line);

void second(void)
{
	__might_sleep(__FILE__, __LINE__);
	printk("second");
}

void user(void)
{
#ifdef PATCHED
	added();
#endif
	printk("user");
}
