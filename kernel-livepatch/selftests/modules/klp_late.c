// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_late.c - run the functions of klp_oracle in tasks that have left the list
 *
 * exit_io_context() is called by exiting tasks that have an IO context, after
 * they may have left the task list.
 */

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>
#include "klp_chain.h"
#include "klp_oracle.h"

static unsigned int usecs = 3000;
module_param(usecs, uint, 0644);

static bool oops;
module_param(oops, bool, 0644);
MODULE_PARM_DESC(oops, "the next task that exits causes an oops");

static void klp_late_exit_io_context(struct task_struct *task);

static struct klp_func klp_late_funcs[] = {
	{
		.old_name = "exit_io_context",
		.new_func = klp_late_exit_io_context,
	},
	{ }
};

static void klp_late_cause_oops(void)
{
	int *nothing = NULL;

	OPTIMIZER_HIDE_VAR(nothing);
	READ_ONCE(*nothing);
}

static void klp_late_exit_io_context(struct task_struct *task)
{
	void (*original)(struct task_struct *task) =
		klp_original(&klp_late_funcs[0]);

	/* Other tasks find it when they fork with CLONE_IO and fail */
	if (task == current && (task->flags & PF_EXITING)) {
		if (xchg(&oops, false))
			klp_late_cause_oops();
		klp_oracle_call(KLP_ORACLE_SLEEP, usecs);
	}
	original(task);
}

static struct klp_object klp_late_objs[] = {
	{
		.funcs = klp_late_funcs,
	},
	{ }
};

static struct klp_patch klp_late_patch = {
	.mod = THIS_MODULE,
	.objs = klp_late_objs,
};

static int __init klp_late_init(void)
{
	return klp_enable_patch(&klp_late_patch);
}

static void __exit klp_late_exit(void)
{
}

module_init(klp_late_init);
module_exit(klp_late_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Runs klp_oracle in exiting tasks");
