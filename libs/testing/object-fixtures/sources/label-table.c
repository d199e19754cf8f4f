// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Computed gotos: a table of places in the function's code, which in the kernel are those of the old code. */
int work(int step)
{
	static const void *const steps[] = { &&first, &&second, &&third };

	goto *steps[step];
first:
	return other(1);
second:
#ifdef LONGER
	step += other(step);
#endif
#ifdef PATCHED
	return other(step + 22);
#else
	return other(step + 21);
#endif
third:
	return other(3);
}
