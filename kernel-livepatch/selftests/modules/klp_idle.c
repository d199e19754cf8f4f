// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_idle.c - patch a function that idle tasks are in whenever they do not run
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include "klp_chain.h"

static void klp_idle_schedule_idle(void);

static struct klp_func klp_idle_funcs[] = {
	{
		.old_name = "schedule_idle",
		.new_func = klp_idle_schedule_idle,
	},
	{ }
};

static void klp_idle_schedule_idle(void)
{
	typeof(klp_idle_schedule_idle) *original =
		klp_original(&klp_idle_funcs[0]);

	original();
	/* It is to stay on the stack meanwhile */
	barrier();
}

static struct klp_object klp_idle_objs[] = {
	{
		.funcs = klp_idle_funcs,
	},
	{ }
};

static struct klp_patch klp_idle_patch = {
	.mod = THIS_MODULE,
	.objs = klp_idle_objs,
};

static int __init klp_idle_init(void)
{
	return klp_enable_patch(&klp_idle_patch);
}

static void __exit klp_idle_exit(void)
{
}

module_init(klp_idle_init);
module_exit(klp_idle_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Patches a function of idle tasks");
