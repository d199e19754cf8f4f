// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Neighbours in one section: which is meant shows only in where the instruction ends. */
static int __section(".data..read_mostly") one = 1;
static int __section(".data..read_mostly") two = 2;
static int __section(".data..read_mostly") three = 3;

int sum(void)
{
	return other(one++ + two++ + three++);
}

int work(int value)
{
#ifdef PATCHED
	one = 11;
#else
	two = 11;
#endif
	return other(value);
}
