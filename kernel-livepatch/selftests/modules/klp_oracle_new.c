// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_oracle_new.c - the other version of the functions of klp_oracle
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include "klp_oracle.h"

static noinline int klp_oracle_new_inner(enum klp_oracle_way way,
					 unsigned int usecs)
{
	klp_oracle_act(way, usecs);
	return 1;
}

static noinline void klp_oracle_new_outer(enum klp_oracle_way way,
					  unsigned int usecs)
{
	int inner;

	klp_oracle_enter(1);
	/* Not klp_oracle_new_inner(): which one runs is what is tested */
	inner = klp_oracle_inner(way, usecs);
	klp_oracle_act(way == KLP_ORACLE_HOLD ? KLP_ORACLE_PASS : way,
		       usecs);
	klp_oracle_leave(1, inner);
	barrier();
}

static struct klp_func klp_oracle_new_funcs[] = {
	{
		.old_name = "klp_oracle_outer",
		.new_func = klp_oracle_new_outer,
	},
	{
		.old_name = "klp_oracle_inner",
		.new_func = klp_oracle_new_inner,
	},
	{ }
};

static struct klp_object klp_oracle_new_objs[] = {
	{
		.name = "klp_oracle",
		.funcs = klp_oracle_new_funcs,
	},
	{ }
};

static struct klp_patch klp_oracle_new_patch = {
	.mod = THIS_MODULE,
	.objs = klp_oracle_new_objs,
};

static int __init klp_oracle_new_init(void)
{
	return klp_enable_patch(&klp_oracle_new_patch);
}

static void __exit klp_oracle_new_exit(void)
{
}

module_init(klp_oracle_new_init);
module_exit(klp_oracle_new_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Other version of klp_oracle");
