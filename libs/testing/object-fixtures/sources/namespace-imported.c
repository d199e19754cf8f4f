// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

#ifdef PATCHED
static const char __used __section(".modinfo") __UNIQUE_ID_import_ns1[] = "import_ns=FIXTURE";
extern int namespaced(int value);
#define other namespaced
#endif

int work(int value)
{
	return other(value);
}
