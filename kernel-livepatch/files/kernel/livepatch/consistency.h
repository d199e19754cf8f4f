/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_CONSISTENCY_H
#define _LIVEPATCH_CONSISTENCY_H

#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/sched.h>

/* How a livepatch can be switched */
enum klp_consistency {
	KLP_PER_TASK,
	KLP_SYSTEM,
	KLP_STOP_MACHINE,
	KLP_NR_MODES,
};

/* What all tasks see during a transition, KLP_UNDEFINED for each its own */
extern int klp_system_state;

/* KLP_UNPATCHED or KLP_PATCHED: which functions are used during a transition */
static __always_inline int klp_seen_state(void)
{
	int state = READ_ONCE(klp_system_state);

	return likely(state == KLP_UNDEFINED) ? current->patch_state : state;
}

int klp_consistency_prepare(void);
int klp_consistency_admit(struct klp_patch *patch);
void klp_consistency_begin(struct klp_patch *patch, int state);
bool klp_consistency_start(int state);
bool klp_consistency_pending(void);
bool klp_consistency_reversed(void);
void klp_consistency_force(void);
void klp_consistency_end(void);

#endif /* _LIVEPATCH_CONSISTENCY_H */
