// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* What lies before a table goes, and the table's use moves on by as much: the place in the section stays. */
#define READ_MOSTLY __section(".data..read_mostly") __attribute__((aligned(4)))

static int behind READ_MOSTLY = 9;
static int table[3] READ_MOSTLY = { 1, 2, 3 };
#ifdef PATCHED
#define FIRST 2
#else
static int gone READ_MOSTLY = 7;
#define FIRST 1
#endif

int indexed(long at)
{
	return other(table[at + FIRST]);
}

int change(int by)
{
#ifndef PATCHED
	gone++;
#endif
	return other(behind++ + table[0]++ + by);
}
