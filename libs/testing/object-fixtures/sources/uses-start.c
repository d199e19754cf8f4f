// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* New code that uses what is only there while the kernel starts: of its own file, or of another one. */
extern int elsewhere(int value);

static int __section(".init.data") __used boot_value = 5;
static noinline __section(".init.text") __used int boot_step(int value)
{
	return other(value) + boot_value;
}

#ifdef MARKED
#define REF __section(".ref.text")
#else
#define REF
#endif

REF int work(int value)
{
#if !defined(PATCHED)
	return other(value);
#elif defined(VARIABLE)
	return other(boot_value + value);
#elif defined(ELSEWHERE)
	return elsewhere(value);
#else
	return boot_step(value) + 1;
#endif
}
