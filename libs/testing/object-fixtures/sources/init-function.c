// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

int __section(".init.text") setup(int value)
{
#ifdef PATCHED
	return other(value + 1);
#else
	return other(value);
#endif
}
