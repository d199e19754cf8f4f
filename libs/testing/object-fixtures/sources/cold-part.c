// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern void complain(const char *why) __attribute__((cold));

int work(int value)
{
	if (value < 0)
#ifdef PATCHED
		complain("negative number");
#else
		complain("negative");
#endif
	return other(value) + 1;
}

int next(int value)
{
	if (value < 0)
		complain("next");
	return other(value) + 1;
}
