/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_STATS_H
#define _LIVEPATCH_STATS_H

#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include "blockers.h"
#include "consistency.h"

enum klp_result {
	KLP_PENDING,
	KLP_SWITCHED,
	KLP_REVERSED,
	KLP_FAILED,
	KLP_FORCED,
};

/**
 * struct klp_stats - what is known about a transition
 * @node:	node in the list of all livepatches' last transitions
 * @patch:	the livepatch
 * @name:	its name
 * @mode:	mode of the transition
 * @target:	KLP_PATCHED or KLP_UNPATCHED, as it was asked for
 * @result:	how it ended
 * @attempts:	passes over all tasks
 * @stops:	how often all CPUs were stopped
 * @window_ns:	how long they stood still in the last stop
 * @max_window_ns: the longest of these
 * @stop_ns:	duration of the last stop with its beginning and end
 * @max_stop_ns: the longest of these
 * @signaled:	how often a task was signaled that sleeps in the way
 * @outside:	stacks that the last attempt checked while CPUs ran
 * @inside:	stacks that were checked in the last stop
 * @began_ns:	when it started
 * @ended_ns:	when it ended, 0 as long as it has not
 * @blockers:	who was in the way of the last attempt that failed
 */
struct klp_stats {
	struct list_head node;
	struct klp_patch *patch;
	char name[MODULE_NAME_LEN];
	enum klp_consistency mode;
	int target;
	enum klp_result result;
	unsigned int attempts;
	unsigned int stops;
	u64 window_ns;
	u64 max_window_ns;
	u64 stop_ns;
	u64 max_stop_ns;
	unsigned int signaled;
	unsigned int outside;
	unsigned int inside;
	u64 began_ns;
	u64 ended_ns;
	struct klp_blockers blockers;
};

extern const char * const klp_consistency_names[KLP_NR_MODES];
extern const struct attribute_group klp_stats_group;

void klp_stats_begin(struct klp_patch *patch, enum klp_consistency mode,
		     int target);
void klp_stats_attempt(void);
void klp_stats_blocked(const struct klp_blockers *blockers);
void klp_stats_signaled(unsigned int nr);
void klp_stats_outside(unsigned int nr);
void klp_stats_stop(u64 window_ns, u64 stop_ns, unsigned int inside);
void klp_stats_end(enum klp_result result);
void klp_stats_detach(struct klp_patch *patch);
void klp_stats_init(void);

#endif /* _LIVEPATCH_STATS_H */
