// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#ifdef PATCHED
#define FACTOR 7
#else
#define FACTOR 5
#endif

int untouched(int value)
{
	return other(value) * 3;
}

int work(int value)
{
	return other(value) * FACTOR;
}
