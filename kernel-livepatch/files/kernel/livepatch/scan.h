/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_SCAN_H
#define _LIVEPATCH_SCAN_H

#include <linux/livepatch.h>

/**
 * struct klp_attempt - how to try to switch all tasks at once
 * @patch:	livepatch in transition
 * @target:	state to switch to
 * @all_in_stop: check all stacks while all CPUs are stopped
 * @signal:	signal those that sleep in what is about to be switched
 * @max_stops:	how often it may stop all CPUs
 */
struct klp_attempt {
	struct klp_patch *patch;
	int target;
	bool all_in_stop;
	bool signal;
	unsigned int max_stops;
};

int klp_scan_and_switch(const struct klp_attempt *attempt);
struct task_struct *klp_next_task(pid_t *nr);

#endif /* _LIVEPATCH_SCAN_H */
