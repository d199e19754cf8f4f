// SPDX-License-Identifier: GPL-2.0-only
/*
 * scan.c - one attempt to switch all tasks at once
 *
 * As live migration copies most of a guest's memory while the guest runs, the
 * stacks of all tasks are checked here while CPUs run. What runs meanwhile is
 * noted by track.c and checked again, until that is little; stop.c then stops
 * all CPUs for the rest. When too much has run, or memory is short, everything
 * is checked while CPUs are stopped.
 */

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "ranges.h"
#include "scan.h"
#include "stats.h"
#include "stop.h"
#include "track.h"

/* How often an attempt stops all CPUs before it starts over */
#define KLP_MAX_STOPS	8
/* How often it looks at those that ran or are in the way before that */
#define KLP_MAX_PASSES	16
/* So few tasks a CPU take less time than to stop it */
#define KLP_FEW_TASKS	4

/**
 * struct klp_scan - an attempt
 * @ranges:	code that nobody may be in
 * @target:	state to switch to
 * @entry:	entry of the task at hand that is looked at again
 * @checked:	number of stacks that were checked
 */
struct klp_scan {
	struct klp_ranges ranges;
	int target;
	struct klp_tracked *entry;
	unsigned int checked;
};

/* Too big for the stack; protected by klp_mutex */
static struct klp_blockers klp_scan_blockers;

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

	if (task_curr(task))
		return 0;

	scan->checked++;
	func = klp_ranges_find_task(&scan->ranges, task);
	if (func)
		klp_blockers_add(&klp_scan_blockers, task, func);
	else
		scan->entry->checked = scan->entry->runs;

	return 0;
}

static void klp_scan_all(struct klp_scan *scan)
{
	struct task_struct *g, *task;
	unsigned int cpu;

	read_lock(&tasklist_lock);
	for_each_process_thread(g, task)
		klp_call_locked(task, klp_check_first, scan);
	read_unlock(&tasklist_lock);

	for_each_online_cpu(cpu)
		klp_call_locked(idle_task(cpu), klp_check_first, scan);
}

/* Returns how many stacks were checked */
static unsigned int klp_scan_ran(struct klp_scan *scan)
{
	unsigned int before = scan->checked;
	unsigned int i, nr = klp_track_nr();

	for (i = 0; i < nr; i++) {
		scan->entry = klp_track_entry(i);
		if (!scan->entry ||
		    READ_ONCE(scan->entry->runs) == scan->entry->checked)
			continue;
		klp_call_locked(scan->entry->task, klp_check_again, scan);
	}

	return scan->checked - before;
}

static bool klp_scan_blocked(void)
{
	return atomic_read(&klp_scan_blockers.nr);
}

/* Until only a few tasks are left that have run, and nobody is in the way */
static int klp_scan_settle(struct klp_scan *scan)
{
	unsigned int few = KLP_FEW_TASKS * num_online_cpus();
	unsigned int i;

	for (i = 0; i < KLP_MAX_PASSES; i++) {
		klp_blockers_clear(&klp_scan_blockers);
		if (klp_scan_ran(scan) <= few && !klp_scan_blocked())
			return 0;
		if (klp_scan_blocked())
			usleep_range(500, 1000);
	}

	return klp_scan_blocked() ? -EAGAIN : 0;
}

static int klp_scan_and_stop(struct klp_scan *scan)
{
	unsigned int i;
	bool all;
	int ret;

	klp_track_start();
	klp_scan_all(scan);

	for (i = 0; i < KLP_MAX_STOPS; i++) {
		all = klp_track_overflowed();
		ret = all ? 0 : klp_scan_settle(scan);
		if (ret)
			return ret;

		klp_blockers_clear(&klp_scan_blockers);
		ret = klp_stop_and_switch(&scan->ranges, &klp_scan_blockers,
					  scan->target, all);
		if (!ret)
			return 0;
		usleep_range(500, 1000);
	}

	return ret;
}

static void klp_nudge_blockers(void)
{
	unsigned int nr = atomic_read(&klp_scan_blockers.nr);
	struct task_struct *task;
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < min_t(unsigned int, nr, KLP_MAX_BLOCKERS); i++) {
		task = find_task_by_pid_ns(klp_scan_blockers.blockers[i].pid,
					   &init_pid_ns);
		if (task)
			klp_nudge(task);
	}
	rcu_read_unlock();
}

static int klp_scan_in_mode(struct klp_scan *scan, bool all_in_stop)
{
	int ret;

	/* Without the memory to do better all is done in the stop, too */
	if (all_in_stop || klp_track_init()) {
		cpus_read_lock();
		ret = klp_stop_and_switch(&scan->ranges, &klp_scan_blockers,
					  scan->target, true);
		cpus_read_unlock();
		return ret;
	}

	cpus_read_lock();
	ret = klp_scan_and_stop(scan);
	cpus_read_unlock();
	if (ret)
		klp_track_stop();

	return ret;
}

/**
 * klp_scan_and_switch() - try to switch all tasks at once
 * @patch:	livepatch in transition
 * @target:	state to switch to
 * @all_in_stop: check all stacks while all CPUs are stopped
 * @nudge:	disturb the sleep of those that are in the way
 *
 * After a success klp_track_exit() is to be called, in time.
 *
 * Return: 0, -EAGAIN when tasks are in the way, or -ENOMEM
 */
int klp_scan_and_switch(struct klp_patch *patch, int target, bool all_in_stop,
			bool nudge)
{
	struct klp_scan scan = { .target = target };
	int ret;

	klp_stats_attempt();
	klp_blockers_clear(&klp_scan_blockers);

	ret = klp_ranges_get(&scan.ranges, patch, target);
	if (ret)
		return ret;

	ret = klp_scan_in_mode(&scan, all_in_stop);
	klp_ranges_put(&scan.ranges);

	klp_stats_outside(scan.checked);
	if (ret) {
		klp_stats_blocked(&klp_scan_blockers);
		if (nudge)
			klp_nudge_blockers();
	}

	return ret;
}
