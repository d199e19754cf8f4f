/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_TRACK_H
#define _LIVEPATCH_TRACK_H

#include <linux/sched.h>
#include <linux/types.h>

/**
 * struct klp_tracked - a task that has to be checked again
 * @task:	the task, NULL while the entry is being made
 * @runs:	how often it has been switched out, or was found in the way
 * @checked:	value of @runs at the time of a check that found nothing
 */
struct klp_tracked {
	struct task_struct *task;
	unsigned int runs;
	unsigned int checked;
};

int klp_track_init(void);
void klp_track_exit(void);
void klp_track_start(void);
void klp_track_stop(void);
bool klp_track_overflowed(void);
unsigned int klp_track_nr(void);
struct klp_tracked *klp_track_entry(unsigned int i);

/* switches.c, which differs between versions of the kernel */
int klp_call_locked(struct task_struct *task,
		    int (*fn)(struct task_struct *task, void *arg), void *arg);
void klp_nudge(struct task_struct *task);

#endif /* _LIVEPATCH_TRACK_H */
