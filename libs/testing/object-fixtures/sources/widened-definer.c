// SPDX-License-Identifier: GPL-2.0-only
/* A static function and a static variable that another object of the patch uses too. */
#include "fixture.h"

#ifdef PATCHED
#define local
#else
#define local static
#endif

local int narrow_limit = 3;

/* Compilers know less of global functions: without this the callers of narrow would change as well. */
#ifdef __clang__
#define keep_convention
#else
#define keep_convention __attribute__((noipa))
#endif

local noinline keep_convention int narrow(int value)
{
	return other(value);
}
int (*const pointer)(int value) = narrow;

int existing(int value)
{
	return narrow(value) + narrow_limit++;
}
