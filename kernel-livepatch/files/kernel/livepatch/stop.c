// SPDX-License-Identifier: GPL-2.0-only
/*
 * stop.c - switch all tasks at once
 *
 * All CPUs are in klp_stop_cpu() with interrupts disabled. Nothing else runs
 * but NMIs, and nobody holds a lock that is taken with preemption disabled. So
 * no task can change: their stacks are read without locks. Nothing here may
 * sleep, allocate, print, or wait for anything but the other CPUs here.
 *
 * The CPUs share the checks among them. The last one to finish decides, and
 * switches by one store if nothing was found; until then the others wait here,
 * and not in a function that may be about to be switched.
 */

#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/kallsyms.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/stacktrace.h>
#include <linux/stop_machine.h>
#include <linux/timekeeping.h>
#include "exits.h"
#include "scan.h"
#include "stop.h"
#include "track.h"

/* More than the stopper and the one who waits for it ever have */
#define KLP_MAX_PATH	64

/* So many numbers of tasks are looked up by a CPU at a time */
#define KLP_CHUNK	64

/**
 * struct klp_stop - what the CPUs share while they are stopped
 * @ranges:	code that nobody may be in
 * @blockers:	who is in the way
 * @target:	state to switch to
 * @all:	check all tasks rather than those that ran
 * @arrived:	CPUs that are here
 * @busy:	CPUs that have not finished their checks
 * @next:	next task to be checked: place in the queue, or number
 * @exiting:	tasks that exit
 * @checked:	stacks that were checked
 * @began_ns:	when the first CPU began its checks
 * @window_ns:	how long it took from there to the decision
 * @decided:	the decision was made
 */
struct klp_stop {
	const struct klp_ranges *ranges;
	struct klp_blockers *blockers;
	int target;
	bool all;
	atomic_t arrived;
	atomic_t busy;
	atomic_t next;
	atomic_t exiting;
	atomic_t checked;
	u64 began_ns;
	u64 window_ns;
	bool decided;
};

static unsigned long klp_path[KLP_MAX_PATH];
static unsigned int klp_path_nr;

static DEFINE_PER_CPU(unsigned long [KLP_MAX_PATH], klp_own_entries);

static noinline void klp_stop_check(struct klp_stop *stop,
				    struct task_struct *task)
{
	const char *func;

	/* Another CPU's stopper, which looks at itself */
	if (task_curr(task))
		return;

	func = klp_ranges_find_task(stop->ranges, task);
	if (func)
		klp_blockers_add(stop->blockers, task, func);
}

static bool klp_stop_is_blocked(struct klp_stop *stop)
{
	return atomic_read(&stop->blockers->nr);
}

/* There is nobody with a number below this one that was not looked up */
static void klp_stop_skip_to(struct klp_stop *stop, pid_t nr)
{
	int next = atomic_read(&stop->next);

	while (next < nr && !atomic_try_cmpxchg(&stop->next, &next, nr))
		;
}

/* Returns whether there may be more tasks */
static bool klp_stop_check_chunk(struct klp_stop *stop, unsigned int *checked)
{
	pid_t nr = atomic_fetch_add(KLP_CHUNK, &stop->next);
	pid_t end = nr + KLP_CHUNK;
	struct task_struct *task;

	while ((task = klp_next_task(&nr))) {
		if (nr > end) {
			klp_stop_skip_to(stop, nr - 1);
			return true;
		}
		klp_stop_check(stop, task);
		(*checked)++;
		if (klp_stop_is_blocked(stop))
			return false;
	}

	return false;
}

static unsigned int klp_stop_check_all(struct klp_stop *stop)
{
	unsigned int checked = 1;

	klp_stop_check(stop, idle_task(smp_processor_id()));

	rcu_read_lock();
	while (klp_stop_check_chunk(stop, &checked))
		;
	rcu_read_unlock();

	return checked;
}

static noinline unsigned int klp_stop_check_ran(struct klp_stop *stop)
{
	unsigned int i, checked = 0, nr = klp_track_nr_queued();

	for (;;) {
		i = atomic_fetch_inc(&stop->next);
		if (i >= nr || klp_stop_is_blocked(stop))
			return checked;

		klp_stop_check(stop, klp_track_queued(i));
		checked++;
	}
}

/* The stopper cannot be switched while it runs, but what is below can be */
static void klp_stop_check_self(struct klp_stop *stop)
{
	unsigned long *entries = *this_cpu_ptr(&klp_own_entries);
	int nr = stack_trace_save_tsk_reliable(current, entries, KLP_MAX_PATH);
	const char *func = klp_unreliable;

	if (nr >= 0)
		func = klp_ranges_find(stop->ranges, entries, nr);
	if (func)
		klp_blockers_add(stop->blockers, current, func);
}

/* Nobody is switched any more, so that all CPUs see the same */
static bool klp_stop_needs_all(struct klp_stop *stop)
{
	return stop->all || klp_track_overflowed();
}

static void klp_stop_decide(struct klp_stop *stop)
{
	/* Those that run are noted, those that did not have been waited for */
	if (klp_stop_needs_all(stop) && atomic_read(&stop->exiting))
		klp_blockers_add_exiting(stop->blockers);

	if (!klp_stop_is_blocked(stop)) {
		WRITE_ONCE(klp_system_state, stop->target);
		klp_track_end_in_stop();
	}

	stop->window_ns = ktime_get_mono_fast_ns() - stop->began_ns;
	/* Pairs with the read in klp_stop_cpu() */
	smp_store_release(&stop->decided, true);
}

static int klp_stop_cpu(void *data)
{
	struct klp_stop *stop = data;
	unsigned int checked;

	if (!atomic_fetch_inc(&stop->arrived))
		stop->began_ns = ktime_get_mono_fast_ns();

	atomic_add(klp_exits_of_cpu(smp_processor_id()), &stop->exiting);
	klp_stop_check_self(stop);
	checked = klp_stop_needs_all(stop) ? klp_stop_check_all(stop) :
					     klp_stop_check_ran(stop);
	atomic_add(checked, &stop->checked);

	if (atomic_dec_and_test(&stop->busy)) {
		klp_stop_decide(stop);
		return 0;
	}

	/* Pairs with the write in klp_stop_decide() */
	while (!smp_load_acquire(&stop->decided))
		cpu_relax();

	return 0;
}

/**
 * klp_stop_and_switch() - stop all CPUs and switch if nobody is in the way
 * @ranges:	code that nobody may be in
 * @blockers:	where those go that are in the way
 * @target:	state to switch to
 * @all:	check all tasks rather than only those that track.c has noted; done
 *		in any case when there were more than it could note
 *
 * Called from a task that is not in @ranges itself.
 *
 * Return: 0, or -EAGAIN when there are blockers
 */
int klp_stop_and_switch(const struct klp_ranges *ranges,
			struct klp_blockers *blockers, int target, bool all)
{
	struct klp_stop stop = {
		.ranges = ranges,
		.blockers = blockers,
		.target = target,
		.all = all,
		.arrived = ATOMIC_INIT(0),
		.next = ATOMIC_INIT(0),
		.checked = ATOMIC_INIT(0),
	};
	u64 began_ns;

	cpus_read_lock();
	atomic_set(&stop.busy, num_online_cpus());
	atomic_set(&stop.exiting, klp_exits_elsewhere());
	began_ns = ktime_get_ns();
	stop_machine_cpuslocked(klp_stop_cpu, &stop, cpu_online_mask);
	cpus_read_unlock();

	klp_stats_stop(stop.window_ns, ktime_get_ns() - began_ns,
		       atomic_read(&stop.checked));

	return klp_stop_is_blocked(&stop) ? -EAGAIN : 0;
}

/**
 * klp_stop_needs() - is a function in use whenever all CPUs are stopped?
 * @func:	address of the function
 *
 * Return: true when it is, so that it can never be switched this way
 */
bool klp_stop_needs(const void *func)
{
	unsigned int i;

	for (i = 0; i < klp_path_nr; i++) {
		if (klp_path[i] == (unsigned long)func)
			return true;
	}

	return false;
}

/* Adds the functions that these addresses are in */
static void klp_path_add(const unsigned long *entries, int nr)
{
	unsigned long size, offset;
	const void *func;
	int i;

	for (i = 0; i < nr && klp_path_nr < KLP_MAX_PATH; i++) {
		if (!kallsyms_lookup_size_offset(entries[i] - 1, &size,
						 &offset))
			continue;
		func = (void *)(entries[i] - 1 - offset);
		if (!klp_stop_needs(func))
			klp_path[klp_path_nr++] = (unsigned long)func;
	}
}

static void klp_path_add_task(struct task_struct *task)
{
	unsigned long *entries = *this_cpu_ptr(&klp_own_entries);

	klp_path_add(entries, stack_trace_save_tsk_reliable(task, entries,
							    KLP_MAX_PATH));
}

static int klp_stop_learn(void *waiter)
{
	unsigned long *entries = *this_cpu_ptr(&klp_own_entries);
	unsigned int cpu;

	klp_path_add(entries, stack_trace_save(entries, KLP_MAX_PATH, 0));
	klp_path_add_task(waiter);
	/* The stoppers have displaced them, as they always do */
	for_each_online_cpu(cpu)
		klp_path_add_task(idle_task(cpu));

	return 0;
}

/**
 * klp_stop_learn_path() - find out what is in use whenever all CPUs are stopped
 *
 * Called once, from a worker like the one that stops them later on.
 *
 * Return: 0, or an error of stop_machine()
 */
int klp_stop_learn_path(void)
{
	return stop_machine(klp_stop_learn, current, NULL);
}
