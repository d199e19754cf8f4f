// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern int narrow(int value);
extern int narrow_limit;

int work(int value)
{
#ifdef PATCHED
	return narrow(value) + narrow_limit;
#else
	return other(value);
#endif
}
