// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

void work(int value)
{
#ifdef PATCHED
	if (value)
		BUG_FLAGS(9);
#else
	if (value)
		BUG_FLAGS(1);
#endif
}

void other_work(int value)
{
	if (value)
		BUG_FLAGS(1);
}
