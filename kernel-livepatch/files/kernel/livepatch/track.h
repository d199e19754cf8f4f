/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_TRACK_H
#define _LIVEPATCH_TRACK_H

#include <linux/sched.h>
#include <linux/types.h>

/**
 * struct klp_tracked - a task that has run, or was in the way
 * @task:	the task, NULL when the place is free
 * @queued:	it has to be checked again
 */
struct klp_tracked {
	struct task_struct *task;
	bool queued;
};

void klp_track_arm(void);
void klp_track_disarm(void);
int klp_track_start(void);
void klp_track_end_in_stop(void);
void klp_track_stop(void);
void klp_track_add(struct task_struct *task);
bool klp_track_overflowed(void);
unsigned int klp_track_nr_queued(void);
struct task_struct *klp_track_queued(unsigned int i);
struct klp_tracked *klp_track_next(void);
void klp_track_requeue(struct klp_tracked *entry);

/* switches.c, which differs between versions of the kernel */
int klp_call_locked(struct task_struct *task,
		    int (*fn)(struct task_struct *task, void *arg), void *arg);
void klp_signal_task(struct task_struct *task);

#endif /* _LIVEPATCH_TRACK_H */
