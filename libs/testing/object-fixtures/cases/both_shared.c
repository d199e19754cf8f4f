// SPDX-License-Identifier: GPL-2.0
#include "both.h"

/* Part of two modules. */
static int count;

noinline int both_step(void)
{
#ifdef PATCHED
	count += 50;
#endif
	return ++count;
}
