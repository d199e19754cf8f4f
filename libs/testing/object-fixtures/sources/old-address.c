// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Functions without ftrace entries, which are replaced by new ones: one is only called, the other one is given away. */
#define untraced noinline __attribute__((no_instrument_function))
#ifdef PATCHED
#define STEP 3
#else
#define STEP 2
#endif

void later(int (*function)(int value));

static untraced int only_called(int value) { return other(value) + STEP; }
static untraced int given_away(int value) { return other(value) * STEP; }

/* One that is renamed as it changes, and one that only its caller knows. */
#ifdef PATCHED
static noinline int woken_safely(int value) { return other(value) + 5; }
#define woken woken_safely
static noinline int counted_safely(int value) { return other(value) + 7; }
#define counted counted_safely
#else
static noinline int woken(int value) { return other(value) + 4; }
static noinline int counted(int value) { return other(value) + 6; }
#endif

int work(int value)
{
	later(given_away);
	later(woken);
	value += counted(value);
	return only_called(value);
}
