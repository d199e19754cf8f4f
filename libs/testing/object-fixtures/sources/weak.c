// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern int maybe(int value) __attribute__((weak));

int __attribute__((weak)) replaceable(int value)
{
#ifdef PATCHED
	if (maybe)
		return maybe(value);
#endif
	return other(value);
}
