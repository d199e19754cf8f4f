// SPDX-License-Identifier: GPL-2.0-only
/* Who sleeps, by the calls in the code. */
#include "fixture.h"

#ifdef PATCHED
#define STEP 2
#else
#define STEP 1
#endif

noinline void schedule(void)
{
	other(STEP);
}

long schedule_timeout(long ticks);
int schedule_work(void *work);

static noinline int wait_queue(int value)
{
	schedule();
	return other(value + STEP);
}

int wait_for_it(int value)
{
	return wait_queue(value) + STEP;
}

int with_limit(int value)
{
	return (int)schedule_timeout(value) + STEP;
}

int queues_work(int value)
{
	return schedule_work(&value) + STEP;
}

int plain(int value)
{
	return other(value) + STEP;
}
