// SPDX-License-Identifier: GPL-2.0-only
/* What modprobe and modinfo read out of the file: nothing that runs. */
#include "fixture.h"

#ifdef PATCHED
static const char description[] __used __section(".modinfo") __attribute__((aligned(1))) = "description=mended";
static const char import[] __used __section(".modinfo") __attribute__((aligned(1))) = "import_ns=DEEP";
#else
static const char description[] __used __section(".modinfo") __attribute__((aligned(1))) = "description=broken";
#endif

int work(int value)
{
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
}
