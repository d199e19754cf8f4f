// SPDX-License-Identifier: GPL-2.0-only
/*
 * track.c - which tasks have run since tracking began?
 *
 * Whoever runs is switched out in the end, and be it by the thread that stops
 * its CPU. So it is enough to note who is switched out: once all CPUs have
 * stopped, a task that was not noted has not run. That holds for idle tasks,
 * for new ones, and for those that have left the task list to exit.
 *
 * A task has a place in a hash table from the first time it is noted. It is in
 * the queue when it has run since its last check: what is left to be checked is
 * there, and nothing has to be looked for. A task that is in the queue already
 * is not written to again when it is switched out.
 *
 * klp_track_note() runs with the task held: by the scheduler, which switches it
 * out and has its runqueue locked, or by klp_call_locked(). So an entry has one
 * writer at a time. Different tasks are noted on different CPUs at once.
 */

#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/hash.h>
#include <linux/livepatch_sched.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/sched/stat.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include "track.h"

static unsigned int tracked_tasks;
module_param(tracked_tasks, uint, 0644);
MODULE_PARM_DESC(tracked_tasks,
		 "tasks that are noted at most, 0 for as many as there may be; for tests");

/**
 * struct klp_track - tasks that were noted
 * @places:	hash table by task; no more than half of it is in use
 * @queue:	ring of indexes into @places plus one, 0 while one is being made
 * @max:	number of tasks that fit
 * @bits:	there are 1 << @bits places, and as many in the ring
 * @head:	where the next entry leaves the queue
 * @overflowed:	there were more than fit
 * @nr:		places that were taken, or asked for
 * @tail:	where the next entry enters the queue
 */
struct klp_track {
	struct klp_tracked *places;
	unsigned int *queue;
	unsigned int max;
	unsigned int bits;
	unsigned int head;
	bool overflowed;
	atomic_t nr ____cacheline_aligned_in_smp;
	atomic_t tail ____cacheline_aligned_in_smp;
};

DEFINE_STATIC_KEY_FALSE(klp_track_key);

/* Where tasks are noted that are switched out, NULL when they are not */
static struct klp_track __rcu *klp_tracking;

/* What klp_tracking is, or was until the switch; under klp_mutex */
static struct klp_track *klp_track;
static bool klp_track_armed;

/* Takes one of the places that may be used */
static bool klp_track_take(struct klp_track *track)
{
	/* Does not wrap: it is not added to for ever */
	if (atomic_read(&track->nr) < track->max &&
	    atomic_fetch_inc(&track->nr) < track->max)
		return true;

	WRITE_ONCE(track->overflowed, true);
	return false;
}

static struct klp_tracked *klp_track_find(struct klp_track *track,
					  struct task_struct *task)
{
	unsigned int mask = (1U << track->bits) - 1;
	unsigned int at = hash_ptr(task, track->bits);
	struct task_struct *other;
	bool taken = false;

	for (;; at = (at + 1) & mask) {
		other = READ_ONCE(track->places[at].task);
		if (!other && !taken) {
			if (!klp_track_take(track))
				return NULL;
			taken = true;
			get_task_struct(task);
		}
		/* Another task may be faster */
		if (!other)
			other = cmpxchg(&track->places[at].task, NULL, task);
		if (!other || other == task)
			return &track->places[at];
	}
}

static void klp_track_enqueue(struct klp_track *track,
			      struct klp_tracked *entry)
{
	unsigned int mask = (1U << track->bits) - 1;
	unsigned int i;

	entry->queued = true;
	i = atomic_fetch_inc(&track->tail);
	/* Pairs with the read in klp_track_next() */
	smp_store_release(&track->queue[i & mask], entry - track->places + 1);
}

static void klp_track_note(struct klp_track *track, struct task_struct *task)
{
	struct klp_tracked *entry = klp_track_find(track, task);

	if (entry && !entry->queued)
		klp_track_enqueue(track, entry);
}

/**
 * klp_track_switched_out() - note that a task has run
 * @task:	task that is being switched out, with its runqueue locked
 */
noinline void klp_track_switched_out(struct task_struct *task)
{
	struct klp_track *track = rcu_dereference_sched(klp_tracking);

	if (track)
		klp_track_note(track, task);
}

/**
 * klp_track_add() - note that a task has to be checked again
 * @task:	task that is held by klp_call_locked()
 */
void klp_track_add(struct task_struct *task)
{
	klp_track_note(klp_track, task);
}

/**
 * klp_track_arm() - let the scheduler tell who is switched out
 *
 * Changes its code, which interrupts all CPUs: once a transition.
 */
void klp_track_arm(void)
{
	if (!klp_track_armed)
		static_branch_enable(&klp_track_key);
	klp_track_armed = true;
}

/**
 * klp_track_disarm() - undo klp_track_arm(), if that was called
 */
void klp_track_disarm(void)
{
	if (klp_track_armed)
		static_branch_disable(&klp_track_key);
	klp_track_armed = false;
}

static void klp_track_free(struct klp_track *track)
{
	kvfree(track->queue);
	kvfree(track->places);
	kfree(track);
}

static struct klp_track *klp_track_alloc(void)
{
	struct klp_track *track = kzalloc(sizeof(*track), GFP_KERNEL);

	if (!track)
		return NULL;

	/* All that there are, some that come, and what the stop displaces */
	track->max = READ_ONCE(tracked_tasks) ?:
		     nr_threads + nr_threads / 4 + 2 * nr_cpu_ids + 1024;
	track->bits = order_base_2(track->max) + 1;
	track->places = kvcalloc(1UL << track->bits, sizeof(*track->places),
				 GFP_KERNEL);
	track->queue = kvcalloc(1UL << track->bits, sizeof(*track->queue),
				GFP_KERNEL);
	if (track->places && track->queue)
		return track;

	klp_track_free(track);
	return NULL;
}

/**
 * klp_track_start() - note all tasks that run from now on
 *
 * A CPU may just be switching without having seen this. Until that is done the
 * task that it switches out is on that CPU for whoever looks at it with
 * klp_call_locked(): the look comes before, and sees a task that runs, or waits
 * until it does not, and sees the stack that the switch has left.
 *
 * A task that joins the list is either found there, or was not there yet when
 * that was read: then it is noted whenever it is switched out.
 *
 * Return: 0, or -ENOMEM
 */
int klp_track_start(void)
{
	klp_track = klp_track_alloc();
	if (!klp_track)
		return -ENOMEM;

	rcu_assign_pointer(klp_tracking, klp_track);
	/*
	 * Orders the start of tracking before the look at the list of tasks.
	 * Pairs with smp_mb__after_spinlock() in __schedule(), which orders
	 * what put a task on the list before the look at klp_tracking.
	 */
	smp_mb();
	return 0;
}

/**
 * klp_track_end_in_stop() - note nobody any more
 *
 * Called while all CPUs are stopped: nobody is noting a task.
 */
void klp_track_end_in_stop(void)
{
	RCU_INIT_POINTER(klp_tracking, NULL);
}

/**
 * klp_track_stop() - note nobody any more, and forget those that were noted
 */
void klp_track_stop(void)
{
	unsigned long i;

	if (rcu_access_pointer(klp_tracking)) {
		RCU_INIT_POINTER(klp_tracking, NULL);
		/* CPUs that have not seen it yet have interrupts disabled */
		synchronize_rcu();
	}

	for (i = 0; i < 1UL << klp_track->bits; i++) {
		if (klp_track->places[i].task)
			put_task_struct(klp_track->places[i].task);
	}
	klp_track_free(klp_track);
	klp_track = NULL;
}

/**
 * klp_track_overflowed() - are there tasks that could not be noted?
 *
 * Return: true when there are
 */
noinline bool klp_track_overflowed(void)
{
	return READ_ONCE(klp_track->overflowed);
}

/**
 * klp_track_nr_queued() - how many tasks are to be checked again
 *
 * Return: their number
 */
unsigned int klp_track_nr_queued(void)
{
	return (unsigned int)atomic_read(&klp_track->tail) - klp_track->head;
}

/**
 * klp_track_queued() - get at a task that is to be checked, while CPUs are stopped
 * @i:	less than klp_track_nr_queued()
 *
 * Return: the task, which stays in the queue
 */
struct task_struct *klp_track_queued(unsigned int i)
{
	unsigned int mask = (1U << klp_track->bits) - 1;
	unsigned int place = klp_track->queue[(klp_track->head + i) & mask];

	return klp_track->places[place - 1].task;
}

/**
 * klp_track_next() - take a task out of the queue
 *
 * Its entry stays marked until it is held: see klp_track_requeue().
 *
 * Return: its entry, or NULL when there is none, or it is not complete yet
 */
struct klp_tracked *klp_track_next(void)
{
	unsigned int mask = (1U << klp_track->bits) - 1;
	unsigned int *slot = &klp_track->queue[klp_track->head & mask];
	unsigned int place;

	if (!klp_track_nr_queued())
		return NULL;
	/* Pairs with the write in klp_track_enqueue() */
	place = smp_load_acquire(slot);
	if (!place)
		return NULL;

	*slot = 0;
	klp_track->head++;
	return &klp_track->places[place - 1];
}

/**
 * klp_track_requeue() - put a task back into the queue that is in the way
 * @entry:	its entry, with the task held by klp_call_locked()
 */
void klp_track_requeue(struct klp_tracked *entry)
{
	klp_track_enqueue(klp_track, entry);
}
