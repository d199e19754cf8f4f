// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan.c - one attempt to switch all tasks at once
 *
 * As live migration copies most of a guest's memory while the guest runs, the
 * stacks of all tasks are checked here while CPUs run. What runs meanwhile is
 * noted by track.c and checked again, until that is little; stop.c then stops
 * all CPUs for the rest. When more has run than could be noted, or memory is
 * short, everything is checked while CPUs are stopped.
 *
 * No lock is held from one task to the next but klp_mutex, and after some tasks
 * the CPU is given away: nobody who forks, exits or signals waits for the scan
 * to end, nor a CPU that comes or goes. A task that joins meanwhile has not run,
 * or has been noted; one that leaves is waited for if it did not run (exits.c);
 * one that takes the place of another when it executes a program runs. The idle
 * task of a CPU that comes runs.
 */

/* Not "livepatch: ", see consistency.c */
#define pr_fmt(fmt) "klp: " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "blockers.h"
#include "consistency.h"
#include "exits.h"
#include "ranges.h"
#include "scan.h"
#include "stats.h"
#include "stop.h"
#include "track.h"

/* How often an attempt looks at those that ran or are in the way */
#define KLP_MAX_PASSES	16
/* So few tasks a CPU take less time than to stop it */
#define KLP_FEW_TASKS	4
/* So many stacks are checked before this CPU is given away */
#define KLP_SLICE	32
/* So much longer than that took, within limits: the checks take an eighth */
#define KLP_REST	7
#define KLP_MIN_REST_US	50
#define KLP_MAX_REST_US	10000

/**
 * struct klp_scan - an attempt
 * @ranges:	code that nobody may be in
 * @target:	state to switch to
 * @entry:	entry of the task at hand that is looked at again
 * @exits_over:	see klp_exits_over()
 * @checked:	number of stacks that were checked
 * @slice:	number of tasks since this CPU was given away
 * @slice_began_ns: when that was
 */
struct klp_scan {
	struct klp_ranges ranges;
	int target;
	struct klp_tracked *entry;
	unsigned int exits_over;
	unsigned int checked;
	unsigned int slice;
	u64 slice_began_ns;
};

/* Too big for the stack; protected by klp_mutex */
static struct klp_blockers klp_scan_blockers;

static bool klp_scan_blocked(void)
{
	return atomic_read(&klp_scan_blockers.nr);
}

/* Whoever runs is noted when it is switched out */
static int klp_check_first(struct task_struct *task, void *data)
{
	struct klp_scan *scan = data;

	if (task_curr(task))
		return 0;

	scan->checked++;
	if (klp_ranges_find_task(&scan->ranges, task))
		klp_track_add(task);

	return 0;
}

static int klp_check_again(struct task_struct *task, void *data)
{
	struct klp_scan *scan = data;
	const char *func;

	/* From here on it is noted when it is switched out */
	scan->entry->queued = false;
	if (task_curr(task))
		return 0;

	scan->checked++;
	func = klp_ranges_find_task(&scan->ranges, task);
	if (func) {
		klp_blockers_add(&klp_scan_blockers, task, func);
		klp_track_requeue(scan->entry);
	}

	return 0;
}

/* Nothing can be noted any more */
static int klp_check_unnoted(struct task_struct *task, void *data)
{
	struct klp_scan *scan = data;
	const char *func;

	if (task_curr(task))
		return 0;

	scan->checked++;
	func = klp_ranges_find_task(&scan->ranges, task);
	if (func)
		klp_blockers_add(&klp_scan_blockers, task, func);

	return 0;
}

/* Does it sleep in the way? Who only waits for a CPU leaves by itself. */
static int klp_check_sleeper(struct task_struct *task, void *data)
{
	struct klp_scan *scan = data;

	return !task_is_running(task) && !task_curr(task) &&
	       klp_ranges_find_task(&scan->ranges, task);
}

/* It has a realtime priority: others would wait until it sleeps */
static bool klp_slice_ends(struct klp_scan *scan)
{
	return ++scan->slice % KLP_SLICE == 0;
}

static void klp_give_cpu_away(struct klp_scan *scan)
{
	u64 ran_us = div_u64(ktime_get_ns() - scan->slice_began_ns,
			     NSEC_PER_USEC);
	unsigned int rest_us = clamp_t(u64, KLP_REST * ran_us, KLP_MIN_REST_US,
				       KLP_MAX_REST_US);

	usleep_range(rest_us, rest_us + KLP_MIN_REST_US);
	scan->slice_began_ns = ktime_get_ns();
}

/**
 * klp_next_task() - go over all tasks that have a pid, in its order
 * @nr:		number to start from; where to go on after that
 *
 * Called under RCU, which may be left from one call to the next. A task that is
 * there all the while is found.
 *
 * Return: the task, or NULL when there are no more
 */
struct task_struct *klp_next_task(pid_t *nr)
{
	struct task_struct *task;
	struct pid *pid;

	while ((pid = find_ge_pid(*nr, &init_pid_ns))) {
		*nr = pid_nr(pid) + 1;
		/* A process group may outlive its leader */
		task = pid_task(pid, PIDTYPE_PID);
		if (task)
			return task;
	}

	return NULL;
}

/* The same from one task to the next, which takes its time */
static struct task_struct *klp_scan_next(struct klp_scan *scan, pid_t *nr)
{
	if (klp_slice_ends(scan)) {
		rcu_read_unlock();
		klp_give_cpu_away(scan);
		rcu_read_lock();
	}

	return klp_next_task(nr);
}

static void klp_scan_all(struct klp_scan *scan,
			 int (*check)(struct task_struct *task, void *data))
{
	struct task_struct *task;
	unsigned int cpu;
	pid_t nr = 1;

	rcu_read_lock();
	while ((task = klp_scan_next(scan, &nr)))
		klp_call_locked(task, check, scan);
	rcu_read_unlock();

	cpus_read_lock();
	for_each_online_cpu(cpu)
		klp_call_locked(idle_task(cpu), check, scan);
	cpus_read_unlock();
}

/* Returns how many stacks were checked */
static unsigned int klp_scan_ran(struct klp_scan *scan)
{
	unsigned int before = scan->checked;
	unsigned int nr = klp_track_nr_queued();

	/*
	 * Those that come back while this goes on are left to the next pass.
	 * So are the others once more are in the way than can be told.
	 */
	while (nr-- && !klp_blockers_full(&klp_scan_blockers)) {
		scan->entry = klp_track_next();
		if (!scan->entry)
			break;
		klp_call_locked(scan->entry->task, klp_check_again, scan);
		if (klp_slice_ends(scan))
			klp_give_cpu_away(scan);
	}

	return scan->checked - before;
}

static unsigned int klp_scan_pass(struct klp_scan *scan)
{
	unsigned int checked;

	klp_blockers_clear(&klp_scan_blockers);
	checked = klp_scan_ran(scan);
	if (!klp_exits_over(&scan->exits_over))
		klp_blockers_add_exiting(&klp_scan_blockers);

	return checked;
}

/* Until only a few tasks are left that have run, and nobody is in the way */
static int klp_scan_settle(struct klp_scan *scan)
{
	unsigned int few = KLP_FEW_TASKS * num_online_cpus();
	unsigned int i, checked;

	for (i = 0; i < KLP_MAX_PASSES; i++) {
		checked = klp_scan_pass(scan);
		if (klp_scan_blocked())
			usleep_range(500, 1000);
		else if (checked <= few)
			return 0;
	}

	return klp_scan_blocked() ? -EAGAIN : 0;
}

/* Is anybody in the way who could not be noted? */
static int klp_scan_unnoted(struct klp_scan *scan)
{
	if (klp_track_overflowed())
		klp_scan_all(scan, klp_check_unnoted);

	return klp_scan_blocked() ? -EAGAIN : 0;
}

/* A stop that has to check all tasks costs as much as many that have not */
static int klp_scan_and_stop(struct klp_scan *scan, unsigned int max_stops)
{
	unsigned int i;
	int ret;

	scan->slice_began_ns = ktime_get_ns();
	klp_scan_all(scan, klp_check_first);

	for (i = 0; i < max_stops; i++) {
		ret = klp_scan_settle(scan) ?: klp_scan_unnoted(scan);
		if (ret)
			return ret;

		klp_blockers_clear(&klp_scan_blockers);
		ret = klp_stop_and_switch(&scan->ranges, &klp_scan_blockers,
					  scan->target, false);
		if (!ret || klp_track_overflowed())
			return ret;
		usleep_range(500, 1000);
	}

	return ret;
}

/* All of them: the list has but the first, in the stop not even those */
static void klp_scan_signal(struct klp_scan *scan,
			    const struct klp_patch *patch)
{
	struct task_struct *task;
	unsigned int signaled = 0;
	pid_t nr = 1;

	scan->slice_began_ns = ktime_get_ns();
	rcu_read_lock();
	while ((task = klp_scan_next(scan, &nr))) {
		if (!klp_call_locked(task, klp_check_sleeper, scan))
			continue;
		klp_signal_task(task);
		signaled++;
	}
	rcu_read_unlock();

	klp_stats_signaled(signaled);
	if (signaled)
		pr_notice("'%s' signals %u tasks that sleep in what it changes\n",
			  patch->mod->name, signaled);
}

/*
 * Thousands of tasks that want to run would starve it, and more of them would
 * run before it is done. To allocate and to free is not so urgent.
 */
static int klp_scan_urgently(struct klp_scan *scan, bool tracked,
			     unsigned int max_stops)
{
	int ret;

	sched_set_fifo_low(current);
	/* Without the memory to do better all is done in the stop, too */
	ret = tracked ? klp_scan_and_stop(scan, max_stops) :
			klp_stop_and_switch(&scan->ranges, &klp_scan_blockers,
					    scan->target, true);
	sched_set_normal(current, MIN_NICE);

	return ret;
}

static int klp_scan_in_mode(struct klp_scan *scan,
			    const struct klp_attempt *attempt)
{
	bool tracked = !attempt->all_in_stop && !klp_track_start();
	int ret = klp_scan_urgently(scan, tracked, attempt->max_stops);

	if (tracked)
		klp_track_stop();

	return ret;
}

/**
 * klp_scan_and_switch() - try to switch all tasks at once
 * @attempt:	how
 *
 * The scheduler must have been told to note tasks, by klp_track_arm().
 *
 * Return: 0, -EAGAIN when tasks are in the way, or -ENOMEM
 */
int klp_scan_and_switch(const struct klp_attempt *attempt)
{
	struct klp_scan scan = { .target = attempt->target };
	int ret;

	klp_stats_attempt();
	klp_blockers_clear(&klp_scan_blockers);

	ret = klp_ranges_get(&scan.ranges, attempt->patch, attempt->target);
	if (ret)
		return ret;

	/* What it changes is not there yet: nobody can be in it */
	if (scan.ranges.nr)
		ret = klp_scan_in_mode(&scan, attempt);
	else
		WRITE_ONCE(klp_system_state, attempt->target);

	klp_stats_outside(scan.checked);
	if (ret) {
		klp_blockers_explain(&klp_scan_blockers);
		klp_stats_blocked(&klp_scan_blockers);
		if (attempt->signal)
			klp_scan_signal(&scan, attempt->patch);
	}
	klp_ranges_put(&scan.ranges);

	return ret;
}
