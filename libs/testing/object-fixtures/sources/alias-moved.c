// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* `checked` is a function of its own, and with the patch another name of `unchecked`: others call it by its name. */
int counted(int value);

noinline int unchecked(int value) { return other(value) + 1; }
#ifdef PATCHED
int checked(int value) __attribute__((alias("unchecked")));
int same(int value) __attribute__((alias("unchecked")));
#else
noinline int checked(int value) { return counted(value) + 2; }
noinline int same(int value) { return other(value) + 1; }
#endif
