// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Not one of the functions that are known to take a line number second. */
extern void record(const char *file, int line);
#ifdef PATCHED
#line 1000
#endif
void work(void)
{
	record(__FILE__, __LINE__);
}
