// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#ifdef PATCHED
int shared_limit = 5;

int shared_helper(int value)
{
	return other(value) + shared_limit;
}
#endif

int existing(int value)
{
	return other(value);
}
