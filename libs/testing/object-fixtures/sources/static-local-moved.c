// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

int first(void)
{
#ifndef PATCHED
	static int count;

	return other(count++);
#else
	return 0;
#endif
}

int second(void)
{
#ifdef PATCHED
	static int count;

	return other(count++);
#else
	return 0;
#endif
}
