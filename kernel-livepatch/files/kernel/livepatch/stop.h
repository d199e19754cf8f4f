/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_STOP_H
#define _LIVEPATCH_STOP_H

#include "ranges.h"
#include "stats.h"

int klp_stop_and_switch(const struct klp_ranges *ranges,
			struct klp_blockers *blockers, int target, bool all);
int klp_stop_learn_path(void);
bool klp_stop_needs(const void *func);

#endif /* _LIVEPATCH_STOP_H */
