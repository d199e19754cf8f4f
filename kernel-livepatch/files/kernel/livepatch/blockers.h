/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_BLOCKERS_H
#define _LIVEPATCH_BLOCKERS_H

#include <linux/atomic.h>
#include <linux/livepatch.h>
#include <linux/sched.h>
#include <linux/types.h>

#define KLP_MAX_BLOCKERS	16
/* Longer names are cut off */
#define KLP_BLOCKER_FUNC_LEN	128

/**
 * enum klp_block_reason - why a task is in the way
 * @KLP_IN_FUNCTION:	it is in a function that is about to be switched
 * @KLP_UNRELIABLE:	what it is in cannot be told
 * @KLP_EXITING:	it has begun to leave the task list, and still runs
 * @KLP_NOT_SWITCHED:	nothing but that it has to switch by itself (per_task)
 */
enum klp_block_reason {
	KLP_IN_FUNCTION,
	KLP_UNRELIABLE,
	KLP_EXITING,
	KLP_NOT_SWITCHED,
};

/**
 * struct klp_blocker - a task that was in the way
 * @reason:	why
 * @pid:	its pid in the initial namespace, 0 when it is not known
 * @frozen:	it is frozen, and goes on when it is thawed, whoever signals it
 * @stopped:	it is stopped by a signal, or by who traces it
 * @comm:	its name
 * @addr:	KLP_UNRELIABLE: the code that the unwinder does not get past
 * @func:	KLP_IN_FUNCTION: the function. KLP_UNRELIABLE: what that code
 *		belongs to, "" when that cannot be told
 */
struct klp_blocker {
	enum klp_block_reason reason;
	pid_t pid;
	bool frozen;
	bool stopped;
	char comm[TASK_COMM_LEN];
	unsigned long addr;
	char func[KLP_BLOCKER_FUNC_LEN];
};

/**
 * struct klp_blockers - tasks that were in the way of one attempt
 * @nr:		how many there were, also when they are more than fit
 * @blockers:	the first of them
 */
struct klp_blockers {
	atomic_t nr;
	struct klp_blocker blockers[KLP_MAX_BLOCKERS];
};

void klp_blockers_add(struct klp_blockers *blockers, struct task_struct *task,
		      const char *func);
void klp_blockers_add_exiting(struct klp_blockers *blockers);
void klp_blockers_explain(struct klp_blockers *blockers);
void klp_blockers_clear(struct klp_blockers *blockers);
bool klp_blockers_full(const struct klp_blockers *blockers);
void klp_blockers_report_pending(struct klp_patch *patch, int target);

#endif /* _LIVEPATCH_BLOCKERS_H */
