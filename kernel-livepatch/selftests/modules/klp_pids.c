// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_pids.c - let a small kernel have more than 32,768 tasks
 *
 * Built with BASE_SMALL it admits no higher number. Nothing depends on that:
 * numbers are not kept in a table. After this pid_max can be set as elsewhere.
 */

#include <linux/module.h>

static ulong addr;
module_param(addr, ulong, 0444);
MODULE_PARM_DESC(addr, "where pid_max_max is");

static int max;
module_param(max, int, 0444);
MODULE_PARM_DESC(max, "what pid_max may be at most");

static int __init klp_pids_init(void)
{
	if (!addr || max <= 0)
		return -EINVAL;
	WRITE_ONCE(*(int *)addr, max);
	return 0;
}

static void __exit klp_pids_exit(void)
{
}

module_init(klp_pids_init);
module_exit(klp_pids_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets a small kernel have more tasks");
