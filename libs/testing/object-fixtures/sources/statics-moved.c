// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Static variables of one name in functions that are inlined into one, which calls them in another order. */
static inline __attribute__((always_inline)) int first_step(void)
{
	static int count;

	return ++count;
}

static inline __attribute__((always_inline)) int second_step(void)
{
	static int count;

	count += 10;
	return count;
}

#ifdef PATCHED
static noinline int third_step(void)
{
	static int count;

	count += 100;
	return count;
}
#endif

int steps(void)
{
	int first, second;

#ifdef PATCHED
	second = second_step();
	first = first_step();
	first += third_step();
#else
	first = first_step();
	second = second_step();
#endif
	return other(first) + second;
}
