// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_target_main.c - a module to be livepatched
 *
 * /proc/klp_target/alpha, beta	print "original"
 * /proc/klp_target/twin_one	the first of two functions of one name
 * /proc/klp_target/twin_two	the second one
 * /proc/klp_target/block	sleeps in the function as long as @block is set
 */

#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/wait.h>
#include "klp_target.h"

static DECLARE_WAIT_QUEUE_HEAD(klp_target_wait);
static bool block;

static int klp_target_alpha(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

/* Another name for the same code */
static int __used klp_target_alias(struct seq_file *m, void *v)
	__alias(klp_target_alpha);

static int klp_target_beta(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static int klp_target_twin(struct seq_file *m, void *v)
{
	seq_puts(m, "original one\n");
	return 0;
}

static int klp_target_block(struct seq_file *m, void *v)
{
	wait_event(klp_target_wait, !READ_ONCE(block));
	seq_puts(m, "original\n");
	return 0;
}

static int klp_target_set_block(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	wake_up_all(&klp_target_wait);
	return ret;
}

static const struct kernel_param_ops klp_target_block_ops = {
	.set = klp_target_set_block,
	.get = param_get_bool,
};
module_param_cb(block, &klp_target_block_ops, &block, 0644);

static int __init klp_target_init(void)
{
	struct proc_dir_entry *dir = proc_mkdir("klp_target", NULL);

	if (dir &&
	    proc_create_single("alpha", 0444, dir, klp_target_alpha) &&
	    proc_create_single("beta", 0444, dir, klp_target_beta) &&
	    proc_create_single("twin_one", 0444, dir, klp_target_twin) &&
	    proc_create_single("twin_two", 0444, dir, klp_target_second_twin) &&
	    proc_create_single("block", 0444, dir, klp_target_block))
		return 0;

	remove_proc_subtree("klp_target", NULL);
	return -ENOMEM;
}

static void __exit klp_target_exit(void)
{
	remove_proc_subtree("klp_target", NULL);
}

module_init(klp_target_init);
module_exit(klp_target_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Module to be livepatched");
