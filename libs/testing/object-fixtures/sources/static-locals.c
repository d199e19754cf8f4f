// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

int first(void)
{
#ifdef PATCHED
	static int added;
	static int other_added;

	other(added++);
	other(other_added++);
#endif
	static int count;

	return other(count++);
}

int second(void)
{
	static int count = 3;

	return other(count++);
}
