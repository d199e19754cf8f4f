// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern int shared_helper(int value);
extern int shared_limit;

int work(int value)
{
#ifdef PATCHED
	return shared_helper(value) + shared_limit;
#else
	return other(value);
#endif
}
