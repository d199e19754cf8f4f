// SPDX-License-Identifier: GPL-2.0-only
/*
 * exits.c - tasks that leave the task list and go on running
 *
 * They are counted from before they can leave the list until they cannot be
 * preempted any more. When all tasks are checked while all CPUs are stopped,
 * the count must be zero.
 *
 * When those that run are noted, only exits that had begun before that matter:
 * whoever begins later runs, and is noted. So there are two counts, as in SRCU.
 * New exits go to one of them while the other one drains: no rate of exits can
 * keep an attempt from seeing the end of those that it has to wait for.
 *
 * A task that causes an oops while it exits never comes to the end of that, nor
 * does it do anything else any more. Such tasks are counted as lost, for no
 * epoch: which one theirs was, nobody knows.
 *
 * Beginnings and ends are counted apart, because tasks change CPUs in between.
 * Who adds up the ends first, and then the beginnings, sees the beginning of
 * each exit whose end it saw: equal sums mean that all of them are over.
 */

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cpumask.h>
#include <linux/livepatch_sched.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include "exits.h"

#define KLP_EPOCHS	2

/**
 * struct klp_exits - exits that were seen on a CPU, by their epoch
 * @begun:	how many have begun
 * @ended:	how many have ended
 */
struct klp_exits {
	unsigned int begun[KLP_EPOCHS];
	unsigned int ended[KLP_EPOCHS];
};

static DEFINE_PER_CPU(struct klp_exits, klp_exits);

/* What the next exit is counted for; changes under klp_mutex */
static unsigned int klp_exit_epoch;

static atomic_t klp_exits_lost = ATOMIC_INIT(0);

/**
 * klp_exit_begins() - the current task is about to leave the task list
 *
 * Return: the epoch that the exit is counted for
 */
unsigned int klp_exit_begins(void)
{
	unsigned int epoch = READ_ONCE(klp_exit_epoch);

	this_cpu_inc(klp_exits.begun[epoch]);
	/* Whoever does not find it on the list any more sees that it exits */
	smp_mb();
	return epoch;
}

/**
 * klp_exit_ends() - the current task is switched out next, for the last time
 * @epoch:	what klp_exit_begins() returned
 *
 * Called with preemption disabled for good.
 */
void klp_exit_ends(unsigned int epoch)
{
	/* Pairs with the barrier in klp_exits_left() */
	smp_mb();
	this_cpu_inc(klp_exits.ended[epoch]);
}

/**
 * klp_exit_lost() - the current task has caused an oops, and goes to sleep for ever
 *
 * It may have done so before klp_exit_begins(): then it has no state yet.
 */
void klp_exit_lost(void)
{
	if (current->exit_state)
		atomic_inc(&klp_exits_lost);
}

/* No less than have begun by now and not ended */
static unsigned int klp_exits_left(unsigned int epoch)
{
	unsigned int begun = 0, ended = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		ended += READ_ONCE(per_cpu(klp_exits.ended[epoch], cpu));
	/* Pairs with the barrier in klp_exit_ends() */
	smp_mb();
	for_each_possible_cpu(cpu)
		begun += READ_ONCE(per_cpu(klp_exits.begun[epoch], cpu));

	return begun - ended;
}

/* Are all that have not ended lost? */
static bool klp_exits_all_lost(void)
{
	unsigned int lost = atomic_read(&klp_exits_lost);

	return lost && klp_exits_left(0) + klp_exits_left(1) == lost;
}

/**
 * klp_exits_over() - have the exits ended that began before tracking did?
 * @over:	epochs that were found drained since then, 0 at first
 *
 * A beginning that is not seen here belongs to a task that runs after tracking
 * has started. So each epoch has to be found drained once, not both at a time.
 *
 * Return: true when they have
 */
noinline bool klp_exits_over(unsigned int *over)
{
	unsigned int i, idle;

	/* Orders the start of tracking before the look at the counts */
	smp_mb();
	for (i = 0; i < KLP_EPOCHS; i++) {
		idle = !klp_exit_epoch;
		if (klp_exits_left(idle))
			break;
		*over |= BIT(idle);
		/* Those that begin now must not keep the other from draining */
		WRITE_ONCE(klp_exit_epoch, idle);
	}

	return *over == GENMASK(KLP_EPOCHS - 1, 0) || klp_exits_all_lost();
}

/**
 * klp_exits_of_cpu() - what a CPU adds to the number of tasks that exit
 * @cpu:	the CPU
 *
 * Exact while nothing runs on it. May be negative; only the sum counts.
 *
 * Return: exits that began on it, less those that ended there
 */
noinline int klp_exits_of_cpu(int cpu)
{
	struct klp_exits *exits = per_cpu_ptr(&klp_exits, cpu);

	return READ_ONCE(exits->begun[0]) + READ_ONCE(exits->begun[1]) -
	       READ_ONCE(exits->ended[0]) - READ_ONCE(exits->ended[1]);
}

/**
 * klp_exits_elsewhere() - what is to be added to klp_exits_of_cpu() of all CPUs
 *			   that are online
 *
 * Called with cpus_read_lock() held.
 *
 * Return: the same of those that are offline, less the tasks that are lost
 */
int klp_exits_elsewhere(void)
{
	int cpu, sum = -atomic_read(&klp_exits_lost);

	for_each_possible_cpu(cpu) {
		if (!cpu_online(cpu))
			sum += klp_exits_of_cpu(cpu);
	}

	return sum;
}
