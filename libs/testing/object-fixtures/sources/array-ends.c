// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* Arrays with neighbours: where one ends the next begins, and only the source says which is meant. */
struct slot {
	long key, value;
};

#define READ_MOSTLY __section(".data..read_mostly")

#ifdef PATCHED
static int added_first READ_MOSTLY __attribute__((aligned(8))) = 7;
static int added_first_too READ_MOSTLY __attribute__((aligned(8))) = 7;
#endif
static struct slot slots[4] READ_MOSTLY = { { 1, 2 }, { 3, 4 } };
#ifdef PATCHED
static long added READ_MOSTLY = 1;
static long added_too READ_MOSTLY = 1;
#endif
static long behind READ_MOSTLY = 2;
static int last_read READ_MOSTLY = 3;

static noinline struct slot *find(long key)
{
	struct slot *slot;

	for (slot = slots; slot < slots + 4; slot++)
		if (slot->key == key)
			return slot;
	return (struct slot *)&behind;
}

int untouched(int key)
{
	return other(find(key)->value + behind + last_read);
}

/* Counts from one before the start. */
int from_one(int count)
{
	long sum = 0;
	int i;

	for (i = 1; i <= count; i++)
		sum += other(slots[i - 1].value);
	return sum;
}

int work(int key)
{
#ifdef PATCHED
	struct slot *slot;

	for (slot = slots; slot < &slots[4]; slot++)
		if (slot->key == key + 1)
			return other(added++ + added_too++ + added_first++ + added_first_too++);
#endif
	return other(key);
}
