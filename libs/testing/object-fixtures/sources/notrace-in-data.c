// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

static __attribute__((no_instrument_function)) int step(int value)
{
#ifdef PATCHED
	return other(value) + 2;
#else
	return other(value) + 1;
#endif
}

int (*const operations[])(int) = { step };
