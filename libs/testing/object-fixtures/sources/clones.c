// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#ifdef PATCHED
static noinline int extra(int value, int by)
{
	return other(value) + by * 5;
}

int use_extra(int value)
{
	return extra(value, 3) + extra(value + 1, 3);
}
#endif

static noinline int scale(int value, int by)
{
	return other(value) * by;
}

int twice(int value)
{
	return scale(value, 2) + scale(value + 1, 2);
}
