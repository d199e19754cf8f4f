// SPDX-License-Identifier: GPL-2.0-only
/*
 * consistency.c - livepatches that are switched for the whole system at once
 *
 * transition.c lets each task switch by itself, and keeps what it has chosen in
 * task->patch_state. In the other modes klp_system_state takes the place of
 * that for all tasks. It changes once in a transition, while all CPUs are
 * stopped and no task is in a function that is about to be switched. Attempts
 * are made by a thread of their own: the task that loads a livepatch may be in
 * the way.
 *
 * See Documentation/livepatch/consistency.rst.
 */

/*
 * Not "livepatch: ": the selftests in tools/testing/selftests/livepatch compare
 * all lines with that word by word.
 */
#define pr_fmt(fmt) "klp: " fmt

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/livepatch.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/sched/prio.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include "consistency.h"
#include "core.h"
#include "scan.h"
#include "settings.h"
#include "stats.h"
#include "stop.h"
#include "track.h"
#include "transition.h"

#define KLP_FIRST_DELAY_MS	10
#define KLP_LAST_DELAY_MS	1000
/* How often the first attempt stops all CPUs; each one after it half as often */
#define KLP_MAX_STOPS		8
/* Sleepers are signaled when so much of the time is over, and so much again */
#define KLP_FIRST_SIGNAL	50
#define KLP_NEXT_SIGNAL		25

int klp_system_state __read_mostly = KLP_UNDEFINED;

/* All of these are protected by klp_mutex */
static enum klp_consistency klp_mode = KLP_PER_TASK;
static unsigned int consistency_attempts;
static unsigned int consistency_timeout_ms;
static int klp_asked_state = KLP_UNDEFINED;
static int klp_goal_state = KLP_UNDEFINED;
static bool klp_forced;
static bool klp_exhausted;
static unsigned int klp_failed_attempts;
static unsigned long klp_started;
static unsigned int klp_signal_at;

/* Made when it is needed for the first time, then kept */
static struct kthread_worker *klp_switcher;

static void klp_consistency_work_fn(struct kthread_work *work);
static DEFINE_KTHREAD_DELAYED_WORK(klp_consistency_work,
				   klp_consistency_work_fn);

static void klp_learn_work_fn(struct kthread_work *work)
{
	klp_stop_learn_path();
}

static DEFINE_KTHREAD_WORK(klp_learn_work, klp_learn_work_fn);

static void klp_queue_attempt(unsigned int delay_ms)
{
	kthread_mod_delayed_work(klp_switcher, &klp_consistency_work,
				 msecs_to_jiffies(delay_ms));
}

/*
 * What core.c, patch.c and transition.c call, under klp_mutex.
 */

/**
 * klp_consistency_prepare() - get ready for system-wide transitions
 *
 * It also finds out what can never be switched by them.
 *
 * Return: 0, or -ENOMEM
 */
int klp_consistency_prepare(void)
{
	struct kthread_worker *worker;

	if (klp_switcher)
		return 0;

	worker = kthread_create_worker(0, "klp_switcher");
	if (IS_ERR(worker))
		return PTR_ERR(worker);

	sched_set_normal(worker->task, MIN_NICE);
	kthread_queue_work(worker, &klp_learn_work);
	kthread_flush_work(&klp_learn_work);
	klp_switcher = worker;
	return 0;
}

/**
 * klp_consistency_admit() - can this livepatch be switched in this mode?
 * @patch:	livepatch that is being loaded, with its functions looked up
 *
 * Return: 0; -EOPNOTSUPP when it never can be; -ENOMEM
 */
int klp_consistency_admit(struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;
	int ret;

	ret = klp_settings_attach(patch);
	if (ret || klp_settings_of(patch)->mode == KLP_PER_TASK)
		return ret;

	ret = klp_consistency_prepare();
	if (ret)
		return ret;

	klp_for_each_object_static(patch, obj) {
		if (obj->name)
			continue;
		klp_for_each_func_static(obj, func) {
			if (!func->old_func || !klp_stop_needs(func->old_func))
				continue;
			pr_err("'%s' changes function '%s', which is in use whenever all CPUs are stopped; load it with consistency per_task\n",
			       patch->mod->name, func->old_name);
			return -EOPNOTSUPP;
		}
	}

	return 0;
}

/**
 * klp_consistency_begin() - a transition is being prepared
 * @patch:	its livepatch
 * @state:	KLP_PATCHED or KLP_UNPATCHED, where it goes
 *
 * The caller has a write barrier before it lets klp_ftrace_handler() look.
 */
void klp_consistency_begin(struct klp_patch *patch, int state)
{
	const struct klp_settings *settings = klp_settings_of(patch);

	klp_mode = settings->mode;
	consistency_attempts = settings->attempts;
	consistency_timeout_ms = settings->timeout_ms;
	klp_asked_state = state;
	klp_goal_state = KLP_UNDEFINED;
	klp_forced = false;
	klp_exhausted = false;
	klp_stats_begin(patch, klp_mode, state);

	if (klp_mode != KLP_PER_TASK)
		WRITE_ONCE(klp_system_state, !state);
}

/**
 * klp_consistency_start() - a transition starts, or is reversed
 * @state:	KLP_PATCHED or KLP_UNPATCHED, where it goes
 *
 * Return: true when it is not left to each task
 */
bool klp_consistency_start(int state)
{
	klp_goal_state = state;
	if (klp_mode == KLP_PER_TASK)
		return false;

	klp_failed_attempts = 0;
	klp_started = jiffies;
	klp_signal_at = KLP_FIRST_SIGNAL;
	klp_queue_attempt(0);
	return true;
}

/**
 * klp_consistency_pending() - is a transition waiting for all tasks to switch?
 *
 * Return: true when it is
 */
bool klp_consistency_pending(void)
{
	return klp_mode != KLP_PER_TASK && klp_system_state != klp_goal_state;
}

/**
 * klp_consistency_reversed() - does a transition go back to where it came from?
 *
 * Return: true when it does
 */
bool klp_consistency_reversed(void)
{
	return klp_goal_state != klp_asked_state;
}

/**
 * klp_consistency_force() - switch, whoever is in the way
 */
void klp_consistency_force(void)
{
	klp_forced = true;
	if (klp_mode == KLP_PER_TASK)
		return;

	WRITE_ONCE(klp_system_state, klp_goal_state);
	klp_queue_attempt(0);
}

/**
 * klp_consistency_end() - a transition has ended, or was never started
 *
 * Nobody is in klp_ftrace_handler() any more who would look.
 */
void klp_consistency_end(void)
{
	enum klp_result result = KLP_SWITCHED;

	/* It is not started when a callback says no */
	if (klp_exhausted || klp_goal_state == KLP_UNDEFINED)
		result = KLP_FAILED;
	else if (klp_forced)
		result = KLP_FORCED;
	else if (klp_consistency_reversed())
		result = KLP_REVERSED;

	klp_stats_end(result);
	WRITE_ONCE(klp_system_state, KLP_UNDEFINED);
	klp_mode = KLP_PER_TASK;
}

/*
 * The attempts.
 */

/* For whoever asks what a task has chosen, and for forks */
static void klp_mark_tasks(void)
{
	struct task_struct *g, *task;
	unsigned int cpu;

	read_lock(&tasklist_lock);
	for_each_process_thread(g, task)
		task->patch_state = klp_system_state;
	read_unlock(&tasklist_lock);

	for_each_possible_cpu(cpu)
		idle_task(cpu)->patch_state = klp_system_state;
}

static void klp_give_up(void)
{
	pr_warn("'%s' gives up after %u attempts, see /sys/kernel/debug/livepatch/transitions for what was in the way\n",
		klp_transition_patch->mod->name, klp_failed_attempts);
	klp_exhausted = true;
	klp_reverse_transition();
}

/* How many percent of its attempts, or of its time, a transition has used up */
static unsigned int klp_used_up(void)
{
	u64 ms = jiffies_to_msecs(jiffies - klp_started);
	u64 attempts = klp_failed_attempts;

	return min_t(u64, 100, max(div_u64(100 * attempts,
					   max(consistency_attempts, 1U)),
				   div_u64(100 * ms,
					   max(consistency_timeout_ms, 1U))));
}

/*
 * A system call may then return EINTR to a program that is not prepared for it.
 * So that is the last thing to be tried.
 */
static bool klp_signal_is_due(void)
{
	if (klp_used_up() < klp_signal_at)
		return false;

	klp_signal_at += KLP_NEXT_SIGNAL;
	return true;
}

static unsigned int klp_next_delay_ms(void)
{
	unsigned int shift = min(klp_failed_attempts - 1, 10U);

	return min(KLP_FIRST_DELAY_MS << shift, KLP_LAST_DELAY_MS);
}

/* Returns when the next attempt is due, or 0 when the state is as it shall be */
static unsigned int klp_try_to_switch(void)
{
	struct klp_attempt attempt = {
		.patch = klp_transition_patch,
		.target = klp_goal_state,
		.all_in_stop = klp_mode == KLP_STOP_MACHINE,
		.max_stops = max(KLP_MAX_STOPS >> min(klp_failed_attempts, 4U),
				 1),
	};

	if (!klp_consistency_pending())
		return 0;

	if (!attempt.all_in_stop)
		klp_track_arm();
	attempt.signal = klp_signal_is_due();
	if (!klp_scan_and_switch(&attempt))
		return 0;

	klp_failed_attempts++;
	if (klp_used_up() < 100)
		return klp_next_delay_ms();

	klp_give_up();
	return 0;
}

static void klp_consistency_work_fn(struct kthread_work *work)
{
	unsigned int delay_ms;

	mutex_lock(&klp_mutex);
	if (!klp_transition_patch || klp_mode == KLP_PER_TASK) {
		klp_track_disarm();
		goto out;
	}

	delay_ms = klp_try_to_switch();
	if (delay_ms) {
		klp_queue_attempt(delay_ms);
		goto out;
	}

	klp_track_disarm();
	klp_mark_tasks();
	klp_try_complete_transition();
out:
	mutex_unlock(&klp_mutex);
}
