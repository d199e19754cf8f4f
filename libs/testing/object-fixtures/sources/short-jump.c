// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* A tail call of a neighbour in one section is a jump of two bytes, which reaches no other module. */
static noinline __section(".sched.text") int neighbour(int value)
{
	return other(value) + 1;
}

__section(".sched.text") int work(int value)
{
#ifdef PATCHED
	if (value == 3)
		return 0;
#endif
	return neighbour(value * 2);
}
