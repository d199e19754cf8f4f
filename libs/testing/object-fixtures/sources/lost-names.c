// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Variables that share a section, in an object whose names of them are lost: only their places are there. */
#define READ_MOSTLY __section(".data..read_mostly") __attribute__((aligned(4)))

static int table[3] READ_MOSTLY = { 1, 2, 3 };
static int behind READ_MOSTLY = 4;

/* With a register added, and at the end of one where the next begins. */
int indexed(long at)
{
#ifdef PATCHED
	return other(table[at + 1] + 1);
#else
	return other(table[at + 1]);
#endif
}

int to_the_end(int key)
{
	int *entry;

	for (entry = table; entry < table + 3; entry++)
		if (*entry == key)
			return other(behind);
#ifdef PATCHED
	return other(key);
#else
	return 0;
#endif
}
