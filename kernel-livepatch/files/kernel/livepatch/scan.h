/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_SCAN_H
#define _LIVEPATCH_SCAN_H

#include <linux/livepatch.h>

int klp_scan_and_switch(struct klp_patch *patch, int target, bool all_in_stop,
			bool nudge);

#endif /* _LIVEPATCH_SCAN_H */
