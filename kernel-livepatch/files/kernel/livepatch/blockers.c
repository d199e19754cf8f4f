// SPDX-License-Identifier: GPL-2.0-only
/*
 * blockers.c - which tasks hold a transition up, and why
 *
 * Tasks are added while they are held, or while all CPUs are stopped. What
 * takes longer, and is only for those who read it, is found out afterwards.
 */

#include <linux/cgroup.h>
#include <linux/freezer.h>
#include <linux/kallsyms.h>
#include <linux/rcupdate.h>
#include <linux/sched/task_stack.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include "blockers.h"
#include "consistency.h"
#include "core.h"
#include "ranges.h"
#include "scan.h"
#include "stats.h"
#include "track.h"

/* Both are protected by klp_mutex */
static char klp_symbol[KSYM_NAME_LEN];
static struct klp_blockers klp_pending_blockers;

/**
 * struct klp_pending - what klp_blockers_report_pending() looks for
 * @ranges:	code that nobody may be in
 * @target:	state that tasks have to switch to
 */
struct klp_pending {
	struct klp_ranges ranges;
	int target;
};

static struct klp_blocker *klp_blockers_new(struct klp_blockers *blockers,
					    enum klp_block_reason reason)
{
	unsigned int i = atomic_fetch_inc(&blockers->nr);
	struct klp_blocker *blocker = &blockers->blockers[i];

	if (i >= KLP_MAX_BLOCKERS)
		return NULL;

	memset(blocker, 0, sizeof(*blocker));
	blocker->reason = reason;
	return blocker;
}

static void klp_blocker_name(struct klp_blocker *blocker,
			     struct task_struct *task)
{
	blocker->pid = task->pid;
	blocker->frozen = cgroup_task_frozen(task) || frozen(task);
	blocker->stopped = task_is_stopped_or_traced(task);
	strscpy(blocker->comm, task->comm, sizeof(blocker->comm));
}

static bool klp_keep_address(void *cookie, unsigned long addr)
{
	*(unsigned long *)cookie = addr;
	return true;
}

/* What the unwinder has found last before it could not go on */
static unsigned long klp_unreliable_at(struct task_struct *task)
{
	unsigned long addr = 0;

	if (!try_get_task_stack(task))
		return 0;
	arch_stack_walk_reliable(klp_keep_address, &addr, task);
	put_task_stack(task);

	return addr;
}

/**
 * klp_blockers_add() - a task is in the way
 * @blockers:	where it goes
 * @task:	the task, which does not run and cannot begin to
 * @func:	what klp_ranges_find_task() said
 *
 * May run on several CPUs at once, with interrupts disabled.
 */
void klp_blockers_add(struct klp_blockers *blockers, struct task_struct *task,
		      const char *func)
{
	bool unreliable = func == klp_unreliable;
	struct klp_blocker *blocker;

	blocker = klp_blockers_new(blockers, unreliable ? KLP_UNRELIABLE :
							  KLP_IN_FUNCTION);
	if (!blocker)
		return;

	klp_blocker_name(blocker, task);
	if (unreliable)
		blocker->addr = klp_unreliable_at(task);
	else
		strscpy(blocker->func, func, sizeof(blocker->func));
}

/**
 * klp_blockers_add_exiting() - tasks that exit are in the way
 * @blockers:	where that goes
 */
void klp_blockers_add_exiting(struct klp_blockers *blockers)
{
	klp_blockers_new(blockers, KLP_EXITING);
}

/* Once it has been reaped there is nowhere to find it */
static void klp_explain_exiting(struct klp_blocker *blocker)
{
	struct task_struct *task;
	pid_t nr = 1;

	rcu_read_lock();
	while ((task = klp_next_task(&nr))) {
		if (!READ_ONCE(task->exit_state) ||
		    READ_ONCE(task->__state) == TASK_DEAD)
			continue;
		klp_blocker_name(blocker, task);
		break;
	}
	rcu_read_unlock();
}

/* Also finds programs and trampolines of BPF, and trampolines of ftrace */
static void klp_explain_unreliable(struct klp_blocker *blocker)
{
	unsigned long size, offset;
	const char *name;
	char *module;

	name = blocker->addr ? kallsyms_lookup(blocker->addr - 1, &size,
					       &offset, &module, klp_symbol) :
			       NULL;
	strscpy(blocker->func, name ?: "", sizeof(blocker->func));
}

/**
 * klp_blockers_explain() - find out more about tasks that are in the way
 * @blockers:	the tasks
 *
 * Called under klp_mutex, when nobody is added any more.
 */
void klp_blockers_explain(struct klp_blockers *blockers)
{
	unsigned int nr = atomic_read(&blockers->nr);
	struct klp_blocker *blocker = blockers->blockers;
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, nr, KLP_MAX_BLOCKERS); i++) {
		switch (blocker[i].reason) {
		case KLP_UNRELIABLE:
			klp_explain_unreliable(&blocker[i]);
			break;
		case KLP_EXITING:
			klp_explain_exiting(&blocker[i]);
			break;
		case KLP_IN_FUNCTION:
		case KLP_NOT_SWITCHED:
			break;
		}
	}
}

/**
 * klp_blockers_clear() - nobody is in the way yet
 * @blockers:	the list
 */
void klp_blockers_clear(struct klp_blockers *blockers)
{
	atomic_set(&blockers->nr, 0);
}

/**
 * klp_blockers_full() - are there as many as can be told?
 * @blockers:	the list
 *
 * Return: true when it does not matter who else is in the way
 */
bool klp_blockers_full(const struct klp_blockers *blockers)
{
	return atomic_read(&blockers->nr) >= KLP_MAX_BLOCKERS;
}

static int klp_add_held(struct task_struct *task, void *data)
{
	struct klp_pending *pending = data;
	const char *func;

	if (task->patch_state == pending->target || task_curr(task))
		return 0;

	func = klp_ranges_find_task(&pending->ranges, task);
	if (func)
		klp_blockers_add(&klp_pending_blockers, task, func);
	return 0;
}

static int klp_add_not_switched(struct task_struct *task, void *data)
{
	struct klp_pending *pending = data;
	struct klp_blocker *blocker;

	if (task->patch_state == pending->target)
		return 0;

	blocker = klp_blockers_new(&klp_pending_blockers, KLP_NOT_SWITCHED);
	if (blocker)
		klp_blocker_name(blocker, task);
	return 0;
}

static void klp_add_tasks(struct klp_pending *pending,
			  int (*add)(struct task_struct *task, void *data))
{
	struct task_struct *task;
	pid_t nr = 1;

	rcu_read_lock();
	while (!klp_blockers_full(&klp_pending_blockers) &&
	       (task = klp_next_task(&nr))) {
		if (task->patch_state != pending->target)
			klp_call_locked(task, add, pending);
	}
	rcu_read_unlock();
}

/**
 * klp_blockers_report_pending() - who holds a per_task transition up?
 * @patch:	livepatch in transition
 * @target:	state that tasks have to switch to
 *
 * Whoever has only not had its turn is told where nobody is held. Idle tasks
 * are not: they have it whenever their CPU wakes up. After a reversal those
 * remain that were in the way of what was asked for, unless somebody is held on
 * the way back.
 *
 * Called under klp_mutex.
 */
void klp_blockers_report_pending(struct klp_patch *patch, int target)
{
	struct klp_pending pending = { .target = target };
	unsigned int cpu;
	bool held;

	if (klp_ranges_get(&pending.ranges, patch, target))
		return;

	klp_blockers_clear(&klp_pending_blockers);
	klp_add_tasks(&pending, klp_add_held);
	for_each_possible_cpu(cpu)
		klp_call_locked(idle_task(cpu), klp_add_held, &pending);
	klp_ranges_put(&pending.ranges);

	held = atomic_read(&klp_pending_blockers.nr);
	if (!held && klp_consistency_reversed())
		return;
	if (!held)
		klp_add_tasks(&pending, klp_add_not_switched);

	klp_blockers_explain(&klp_pending_blockers);
	klp_stats_blocked(&klp_pending_blockers);
}
