// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Up to gcc 8 the clones of all functions are numbered together: one more above, and this one's number is another. */
#ifdef PATCHED
#define NAME "scale.constprop.19"
#define BY 3
#else
#define NAME "scale.constprop.16"
#define BY 2
#endif

static noinline int scale(int value) asm(NAME);
static noinline int scale(int value)
{
	return other(value) * BY;
}

int twice(int value)
{
	return scale(value) + scale(value + 1);
}
