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

int work(int value)
{
	later(given_away);
	return only_called(value);
}
