// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern void complain(const char *why) __attribute__((cold));

/* As a module's init function, of which init_module is another name; the cold part has the first one's. */
static int start(int value)
{
	if (value < 0)
#ifdef PATCHED
		complain("negative number");
#else
		complain("negative");
#endif
	return other(value) + 1;
}

int entry(int value) __attribute__((alias("start")));
