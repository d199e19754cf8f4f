// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* New code keeps something in the low bits of an address that the running variable does not leave free. */
#ifdef PATCHED
int limit[2] __attribute__((aligned(64))) = { 1, 2 };
#else
int limit[2] = { 1, 2 };
#endif

int work(int value)
{
#ifdef PATCHED
	return other((int)((unsigned long)limit + value));
#else
	return other(limit[0] + value);
#endif
}
