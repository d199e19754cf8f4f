// SPDX-License-Identifier: GPL-2.0-only
/*
 * track.c - which tasks have run since tracking began?
 *
 * Whoever runs is switched out in the end, and be it by the thread that stops
 * its CPU. So it is enough to note who is switched out: once all CPUs have
 * stopped, a task that was not noted has not run. That holds for idle tasks,
 * for new ones, and for those that have left the task list to exit.
 *
 * klp_track_add() runs with the task held: by the scheduler, which switches it
 * out and has its runqueue locked, or by klp_call_locked(). So an entry has one
 * writer at a time. Different tasks are added on different CPUs at once.
 *
 * The scheduler tests a word rather than a static key or a tracepoint: to patch
 * its code for every transition interrupts all CPUs several times.
 */

#include <linux/hash.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "track.h"

#define KLP_TRACK_BITS	13
/* Half of the hash table at most, so that a free place is never far */
#define KLP_TRACK_MAX	(1U << (KLP_TRACK_BITS - 1))

/**
 * struct klp_track - tasks that were noted
 * @overflowed:	there were more than fit
 * @nr:		places in @entries that were taken, or asked for
 * @entries:	the tasks
 * @places:	hash table by task: index into @entries plus one, or 0
 */
struct klp_track {
	bool overflowed;
	atomic_t nr;
	struct klp_tracked entries[KLP_TRACK_MAX];
	unsigned int places[1U << KLP_TRACK_BITS];
};

/* Tasks that are switched out are being noted */
bool klp_tracking __read_mostly;

static struct klp_track *klp_track;

static struct klp_tracked *klp_track_new(struct task_struct *task,
					 unsigned int *place)
{
	struct klp_tracked *entry;
	unsigned int i;

	/* atomic_t does not wrap: there are not that many switches */
	i = klp_track_nr() < KLP_TRACK_MAX ? atomic_fetch_inc(&klp_track->nr) :
					     KLP_TRACK_MAX;
	if (i >= KLP_TRACK_MAX) {
		WRITE_ONCE(klp_track->overflowed, true);
		return NULL;
	}

	entry = &klp_track->entries[i];
	get_task_struct(task);
	/* Pairs with the read in klp_track_entry() */
	smp_store_release(&entry->task, task);
	*place = i + 1;
	return entry;
}

static struct klp_tracked *klp_track_find(struct task_struct *task)
{
	unsigned int mask = (1U << KLP_TRACK_BITS) - 1;
	unsigned int at = hash_ptr(task, KLP_TRACK_BITS);
	struct klp_tracked *new = NULL;
	unsigned int place, new_place;

	for (;;) {
		place = READ_ONCE(klp_track->places[at]);
		if (place) {
			if (klp_track->entries[place - 1].task == task)
				return &klp_track->entries[place - 1];
			at = (at + 1) & mask;
			continue;
		}

		if (!new)
			new = klp_track_new(task, &new_place);
		if (!new)
			return NULL;
		/* Another task may have been faster */
		if (!cmpxchg(&klp_track->places[at], 0, new_place))
			return new;
	}
}

/**
 * klp_track_add() - note that a task has to be checked again
 * @task:	task that is being switched out, or is held by klp_call_locked()
 */
noinline void klp_track_add(struct task_struct *task)
{
	struct klp_tracked *entry;

	entry = klp_track_find(task);
	if (entry)
		WRITE_ONCE(entry->runs, entry->runs + 1);
}

/**
 * klp_track_init() - get ready for klp_track_start()
 *
 * Return: 0, or -ENOMEM
 */
int klp_track_init(void)
{
	if (!klp_track)
		klp_track = kvzalloc(sizeof(*klp_track), GFP_KERNEL);

	return klp_track ? 0 : -ENOMEM;
}

/**
 * klp_track_exit() - undo klp_track_init(), if that was called
 */
void klp_track_exit(void)
{
	if (!klp_track)
		return;

	klp_track_stop();
	kvfree(klp_track);
	klp_track = NULL;
}

/**
 * klp_track_start() - note all tasks that run from now on
 *
 * A CPU may just be switching without having seen this. It has its runqueue
 * locked until that is done: the task that it switches out does not run any
 * more for whoever looks at it with klp_call_locked() later on.
 */
void klp_track_start(void)
{
	/* Pairs with the runqueue's lock: klp_track is complete for all */
	smp_store_release(&klp_tracking, true);
}

/**
 * klp_track_stop() - stop to note tasks, and forget those that were noted
 */
void klp_track_stop(void)
{
	unsigned int i, nr;

	if (!klp_tracking)
		return;

	WRITE_ONCE(klp_tracking, false);
	/* CPUs that have not seen it yet are switching, with interrupts off */
	synchronize_rcu();

	nr = klp_track_nr();
	for (i = 0; i < nr; i++)
		put_task_struct(klp_track->entries[i].task);
	memset(klp_track, 0, sizeof(*klp_track));
}

/**
 * klp_track_overflowed() - are there tasks that could not be noted?
 *
 * Return: true when there are
 */
bool klp_track_overflowed(void)
{
	return READ_ONCE(klp_track->overflowed);
}

/**
 * klp_track_nr() - how many tasks have been noted
 *
 * Return: their number
 */
unsigned int klp_track_nr(void)
{
	return min_t(unsigned int, atomic_read(&klp_track->nr), KLP_TRACK_MAX);
}

/**
 * klp_track_entry() - get at a task that was noted
 * @i:	its index, less than klp_track_nr()
 *
 * Return: the entry, or NULL when it is not complete yet
 */
struct klp_tracked *klp_track_entry(unsigned int i)
{
	struct klp_tracked *entry = &klp_track->entries[i];

	/* Pairs with the write in klp_track_new() */
	return smp_load_acquire(&entry->task) ? entry : NULL;
}
