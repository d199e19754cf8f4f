// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern void __might_sleep(const char *file, int line, int offset);

void work(void)
{
#ifdef PATCHED
	__might_sleep("file", 10, 2);
#else
	__might_sleep("file", 10, 1);
#endif
}
