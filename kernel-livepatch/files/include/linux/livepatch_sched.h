/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_LIVEPATCH_SCHED_H
#define _LINUX_LIVEPATCH_SCHED_H

#include <linux/jump_label.h>

struct task_struct;

#ifdef CONFIG_LIVEPATCH

/* Whoever is switched out is noted while a whole-system switch is tried */
DECLARE_STATIC_KEY_FALSE(klp_track_key);
void klp_track_switched_out(struct task_struct *task);

static __always_inline void klp_switched_out(struct task_struct *task)
{
	if (static_branch_unlikely(&klp_track_key))
		klp_track_switched_out(task);
}

/* A task is about to leave the task list; returns what is due at its end */
unsigned int klp_exit_begins(void);
void klp_exit_ends(unsigned int epoch);
void klp_exit_lost(void);

#else

static inline void klp_switched_out(struct task_struct *task) {}
static inline unsigned int klp_exit_begins(void) { return 0; }
static inline void klp_exit_ends(unsigned int epoch) {}
static inline void klp_exit_lost(void) {}

#endif /* CONFIG_LIVEPATCH */

#endif /* _LINUX_LIVEPATCH_SCHED_H */
