// SPDX-License-Identifier: GPL-2.0-only
// The running kernel's, with BELOW as a patch below leaves it, with PATCHED as well what is built onto that.
#include "fixture.h"

int shared(int value);
int own(int value);
int below_only(int value);
int uses_helper(int value);
int uses_state(int value);

extern int sink;

#ifdef BELOW
static const int factors[4] = { 3, 5, 7, 11 };
static int calls;

static noinline int helper(int value)
{
#ifdef PATCHED_HELPER
	return factors[value & 3] * value + 2;
#else
	return factors[value & 3] * value + 1;
#endif
}
#endif

noinline int shared(int value)
{
	int result = value;

#ifdef BELOW
	result += 100;
#endif
#ifdef PATCHED
	result += 1000;
#endif
	return result ^ sink;
}

noinline int own(int value)
{
#ifdef PATCHED
	return value * 9 + sink;
#else
	return value * 8 + sink;
#endif
}

noinline int below_only(int value)
{
#ifdef BELOW
#ifndef NO_STATE
	calls++;
#endif
	return helper(value) + shared(value);
#else
	return value - sink;
#endif
}

noinline int uses_helper(int value)
{
#ifdef PATCHED
	return helper(value) + shared(value) + sink;
#else
	return value + sink;
#endif
}

noinline int uses_state(int value)
{
#ifdef PATCHED_STATE
	return value + calls;
#else
	return value;
#endif
}
