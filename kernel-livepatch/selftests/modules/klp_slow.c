// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_slow.c - let it take 5 ms to check a stack
 *
 * @calls: how many were checked
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/timekeeping.h>
#include "klp_chain.h"

#define KLP_SLOW_NS	(5 * NSEC_PER_MSEC)

struct klp_ranges;

/* Checks that end at once may count as one */
static unsigned int calls;
module_param(calls, uint, 0444);

static const char *klp_slow_find_task(const struct klp_ranges *ranges,
				      struct task_struct *task);

static struct klp_func klp_slow_funcs[] = {
	{
		.old_name = "klp_ranges_find_task",
		.new_func = klp_slow_find_task,
	},
	{ }
};

static const char *klp_slow_find_task(const struct klp_ranges *ranges,
				      struct task_struct *task)
{
	typeof(klp_slow_find_task) *original = klp_original(&klp_slow_funcs[0]);
	u64 until_ns = ktime_get_mono_fast_ns() + KLP_SLOW_NS;

	/* Emulated, mdelay() may be much shorter than it says */
	while (ktime_get_mono_fast_ns() < until_ns)
		cpu_relax();
	WRITE_ONCE(calls, calls + 1);

	return original(ranges, task);
}

static struct klp_object klp_slow_objs[] = {
	{
		.funcs = klp_slow_funcs,
	},
	{ }
};

static struct klp_patch klp_slow_patch = {
	.mod = THIS_MODULE,
	.objs = klp_slow_objs,
};

static int __init klp_slow_init(void)
{
	return klp_enable_patch(&klp_slow_patch);
}

static void __exit klp_slow_exit(void)
{
}

module_init(klp_slow_init);
module_exit(klp_slow_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Makes the checks of a transition slow");
