// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* As the kernel's inline functions are: where the compiler makes a copy out of line, ftrace does not see it. */
static noinline __attribute__((no_instrument_function)) int step(int value)
{
#ifdef PATCHED
	return other(value) + 2;
#else
	return other(value) + 1;
#endif
}

static noinline __attribute__((no_instrument_function)) int twice(int value)
{
	return step(value) + step(value + 1);
}

int work(int value)
{
	return twice(value) * 3;
}

int direct(int value)
{
	return step(value) * 5;
}

int unrelated(int value)
{
	return other(value);
}
