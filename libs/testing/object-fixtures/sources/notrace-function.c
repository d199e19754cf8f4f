// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

__attribute__((no_instrument_function)) int work(int value)
{
#ifdef PATCHED
	return other(value + 1);
#else
	return other(value);
#endif
}

/* The file as a whole is compiled with ftrace. */
int traced(int value)
{
	return other(value) - 1;
}
