// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

static int existing = 4;

#ifdef PATCHED
static int initialised = 42;
static int zeroed;
static int *pointer = &existing;

static noinline int helper(int value)
{
	zeroed += value;
	return value > 0 ? helper(value - 2) + *pointer : initialised;
}
#endif

int work(int value)
{
	existing += value;
#ifdef PATCHED
	return other(helper(value));
#else
	return other(value);
#endif
}
