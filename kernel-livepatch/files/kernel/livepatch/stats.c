// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - what is known about transitions
 *
 * /sys/kernel/livepatch/<patch>/transition_stats/
 * /sys/kernel/debug/livepatch/transitions
 *
 * It names tasks of others and what they do: all files are for root.
 *
 * The latest transition is kept until the next one starts, also when its
 * livepatch has gone. Each livepatch keeps its own latest one as long as it is
 * there. Protected by a lock of their own: the readers must not wait for
 * klp_mutex, which is held while files of a livepatch are removed, and for as
 * long as an attempt takes.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/string_helpers.h>
#include <linux/sysfs.h>
#include "core.h"
#include "report.h"
#include "stats.h"

const char * const klp_consistency_names[KLP_NR_MODES] = {
	[KLP_PER_TASK] = "per_task",
	[KLP_SYSTEM] = "system",
	[KLP_STOP_MACHINE] = "stop_machine",
};

static const char * const klp_result_names[] = {
	[KLP_PENDING] = "pending",
	[KLP_SWITCHED] = "switched",
	[KLP_REVERSED] = "reversed",
	[KLP_FAILED] = "failed",
	[KLP_FORCED] = "forced",
};

static DEFINE_SPINLOCK(klp_stats_lock);
static LIST_HEAD(klp_all_stats);
static struct klp_stats klp_latest;

static struct klp_stats *klp_stats_find(const struct klp_patch *patch)
{
	struct klp_stats *stats;

	list_for_each_entry(stats, &klp_all_stats, node) {
		if (stats->patch == patch)
			return stats;
	}

	return NULL;
}

/* Copies the latest transition to where its livepatch keeps it */
static void klp_stats_keep(void)
{
	struct klp_stats *stats = klp_stats_find(klp_latest.patch);

	if (!stats)
		return;

	list_del(&stats->node);
	*stats = klp_latest;
	list_add(&stats->node, &klp_all_stats);
}

/**
 * klp_stats_begin() - a transition starts
 * @patch:	its livepatch
 * @mode:	its mode
 * @target:	KLP_PATCHED or KLP_UNPATCHED
 *
 * When memory is short @patch has no statistics of its own.
 */
void klp_stats_begin(struct klp_patch *patch, enum klp_consistency mode,
		     int target)
{
	struct klp_stats *stats = kzalloc(sizeof(*stats), GFP_KERNEL);

	spin_lock(&klp_stats_lock);
	memset(&klp_latest, 0, sizeof(klp_latest));
	klp_latest.patch = patch;
	strscpy(klp_latest.name, patch->mod->name, sizeof(klp_latest.name));
	klp_latest.mode = mode;
	klp_latest.target = target;
	klp_latest.began_ns = ktime_get_ns();

	if (stats && !klp_stats_find(patch)) {
		stats->patch = patch;
		list_add(&stats->node, &klp_all_stats);
		stats = NULL;
	}
	klp_stats_keep();
	spin_unlock(&klp_stats_lock);

	kfree(stats);
}

/**
 * klp_stats_attempt() - an attempt begins
 */
void klp_stats_attempt(void)
{
	spin_lock(&klp_stats_lock);
	klp_latest.attempts++;
	klp_latest.outside = 0;
	klp_latest.inside = 0;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_blocked() - an attempt has failed
 * @blockers:	the tasks that were in the way
 */
void klp_stats_blocked(const struct klp_blockers *blockers)
{
	spin_lock(&klp_stats_lock);
	klp_latest.blockers = *blockers;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_signaled() - tasks were signaled that sleep in the way
 * @nr:		their number
 */
void klp_stats_signaled(unsigned int nr)
{
	spin_lock(&klp_stats_lock);
	klp_latest.signaled += nr;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_outside() - count stacks that were checked while CPUs ran
 * @nr:		their number
 */
void klp_stats_outside(unsigned int nr)
{
	spin_lock(&klp_stats_lock);
	klp_latest.outside += nr;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_stop() - all CPUs have been stopped, and run again
 * @window_ns:	how long they stood still at once
 * @stop_ns:	the same with the beginning and the end of it
 * @inside:	number of stacks that were checked
 */
void klp_stats_stop(u64 window_ns, u64 stop_ns, unsigned int inside)
{
	spin_lock(&klp_stats_lock);
	klp_latest.stops++;
	klp_latest.window_ns = window_ns;
	klp_latest.max_window_ns = max(klp_latest.max_window_ns, window_ns);
	klp_latest.stop_ns = stop_ns;
	klp_latest.max_stop_ns = max(klp_latest.max_stop_ns, stop_ns);
	klp_latest.inside = inside;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_end() - the transition has ended
 * @result:	how
 */
void klp_stats_end(enum klp_result result)
{
	spin_lock(&klp_stats_lock);
	klp_latest.result = result;
	klp_latest.ended_ns = ktime_get_ns();
	/* Task by task those who had not switched at the last look have since */
	if (klp_latest.mode == KLP_PER_TASK && result == KLP_SWITCHED)
		klp_blockers_clear(&klp_latest.blockers);
	klp_stats_keep();
	klp_latest.patch = NULL;
	spin_unlock(&klp_stats_lock);
}

/**
 * klp_stats_detach() - forget about a livepatch
 * @patch:	livepatch that goes away
 */
void klp_stats_detach(struct klp_patch *patch)
{
	struct klp_stats *stats;

	spin_lock(&klp_stats_lock);
	stats = klp_stats_find(patch);
	if (stats)
		list_del(&stats->node);
	if (klp_latest.patch == patch)
		klp_latest.patch = NULL;
	spin_unlock(&klp_stats_lock);

	kfree(stats);
}

/* In place of a function, where it is not that which keeps a task in the way */
static const char * const klp_other_reasons[] = {
	[KLP_UNRELIABLE] = "(unreliable",
	[KLP_EXITING] = "(exiting",
	[KLP_NOT_SWITCHED] = "(pending",
};

static void klp_blocker_print(struct seq_file *file,
			      const struct klp_blocker *blocker)
{
	bool in_function = blocker->reason == KLP_IN_FUNCTION;
	char comm[4 * TASK_COMM_LEN];
	int len;

	len = string_escape_mem(blocker->comm, strlen(blocker->comm), comm,
				sizeof(comm) - 1,
				ESCAPE_OCTAL | ESCAPE_NP | ESCAPE_APPEND, "\\");
	comm[min_t(int, len, sizeof(comm) - 1)] = 0;

	seq_printf(file, "blocker %d %s%s%s%s %s\n", blocker->pid,
		   in_function ? "" : klp_other_reasons[blocker->reason],
		   !in_function && *blocker->func ? ":" : "", blocker->func,
		   in_function ? "" : ")", comm);
	if (blocker->frozen)
		seq_printf(file, "frozen %d\n", blocker->pid);
	if (blocker->stopped)
		seq_printf(file, "stopped %d\n", blocker->pid);
}

static u64 klp_stats_elapsed_ms(const struct klp_stats *stats)
{
	u64 ended_ns = stats->ended_ns ?: ktime_get_ns();

	return div_u64(ended_ns - stats->began_ns, NSEC_PER_MSEC);
}

/* Of the latest transition of all when @patch is NULL; NULL before the first */
static const struct klp_stats *klp_stats_of(const struct klp_patch *patch)
{
	const struct klp_stats *stats = &klp_latest;

	/* Only the end of a transition is copied to its livepatch */
	if (patch && klp_latest.patch != patch)
		stats = klp_stats_find(patch);

	return stats && stats->began_ns ? stats : NULL;
}

/* Under klp_stats_lock; @stats may be NULL */
static void klp_stats_print(struct seq_file *file,
			    const struct klp_stats *stats)
{
	unsigned int i, nr;

	if (!stats)
		return;

	seq_printf(file, "patch %s\nmode %s\ndirection %s\nresult %s\n",
		   stats->name, klp_consistency_names[stats->mode],
		   stats->target ? "patching" : "unpatching",
		   klp_result_names[stats->result]);
	seq_printf(file, "attempts %u\nstops %u\n", stats->attempts,
		   stats->stops);
	seq_printf(file, "window_ns %llu %llu\nstop_ns %llu %llu\n",
		   stats->window_ns, stats->max_window_ns, stats->stop_ns,
		   stats->max_stop_ns);
	seq_printf(file, "checked_outside %u\nchecked_inside %u\n",
		   stats->outside, stats->inside);
	seq_printf(file, "signaled %u\nelapsed_ms %llu\n", stats->signaled,
		   klp_stats_elapsed_ms(stats));

	nr = atomic_read(&stats->blockers.nr);
	for (i = 0; i < min_t(unsigned int, nr, KLP_MAX_BLOCKERS); i++)
		klp_blocker_print(file, &stats->blockers.blockers[i]);
}

static int klp_transitions_show(struct seq_file *file, void *unused)
{
	const struct klp_stats *stats;

	spin_lock(&klp_stats_lock);
	klp_stats_print(file, klp_stats_of(NULL));
	list_for_each_entry(stats, &klp_all_stats, node)
		klp_stats_print(file, klp_stats_of(stats->patch));
	spin_unlock(&klp_stats_lock);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(klp_transitions);

/**
 * klp_stats_init() - add the file that is about all transitions
 */
void __init klp_stats_init(void)
{
	debugfs_create_file("transitions", 0400, klp_debugfs, NULL,
			    &klp_transitions_fops);
}

/* One value a file; empty before the first transition */
#define KLP_STAT(_name, _format, _value)				\
	static ssize_t _name##_show(struct kobject *kobj,		\
				    struct kobj_attribute *attr,	\
				    char *buf)				\
	{								\
		const struct klp_stats *stats;				\
		ssize_t ret = 0;					\
									\
		spin_lock(&klp_stats_lock);				\
		stats = klp_stats_of(container_of(kobj,			\
						  struct klp_patch,	\
						  kobj));		\
		if (stats)						\
			ret = sysfs_emit(buf, _format "\n", _value);	\
		spin_unlock(&klp_stats_lock);				\
		return ret;						\
	}								\
	static struct kobj_attribute _name##_kobj_attr =		\
		__ATTR_RO_MODE(_name, 0400)

KLP_STAT(mode, "%s", klp_consistency_names[stats->mode]);
KLP_STAT(direction, "%s", stats->target ? "patching" : "unpatching");
KLP_STAT(result, "%s", klp_result_names[stats->result]);
KLP_STAT(attempts, "%u", stats->attempts);
KLP_STAT(stops, "%u", stats->stops);
KLP_STAT(window_ns, "%llu", stats->window_ns);
KLP_STAT(max_window_ns, "%llu", stats->max_window_ns);
KLP_STAT(stop_ns, "%llu", stats->stop_ns);
KLP_STAT(max_stop_ns, "%llu", stats->max_stop_ns);
KLP_STAT(checked_outside, "%u", stats->outside);
KLP_STAT(checked_inside, "%u", stats->inside);
KLP_STAT(signaled, "%u", stats->signaled);
KLP_STAT(elapsed_ms, "%llu", klp_stats_elapsed_ms(stats));

static struct attribute *klp_stats_attrs[] = {
	&mode_kobj_attr.attr,
	&direction_kobj_attr.attr,
	&result_kobj_attr.attr,
	&attempts_kobj_attr.attr,
	&stops_kobj_attr.attr,
	&window_ns_kobj_attr.attr,
	&max_window_ns_kobj_attr.attr,
	&stop_ns_kobj_attr.attr,
	&max_stop_ns_kobj_attr.attr,
	&checked_outside_kobj_attr.attr,
	&checked_inside_kobj_attr.attr,
	&signaled_kobj_attr.attr,
	&elapsed_ms_kobj_attr.attr,
	NULL
};

/* What is added to the files of each livepatch */
const struct attribute_group klp_stats_group = {
	.name = "transition_stats",
	.attrs = klp_stats_attrs,
};
