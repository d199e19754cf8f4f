// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_fault.c - fail one of the allocations that a function makes
 *
 * After a task has written N to the parameter @nth, the Nth allocation fails
 * that it makes inside of @func, all calls taken together. Reading @nth tells
 * how many are left until then: zero when one has failed. /proc/PID/fail-nth
 * does the same for all that a task does, most of it not under test.
 */

#include <linux/kernel.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched.h>

static char *func = "klp_enable_patch";
module_param(func, charp, 0);
MODULE_PARM_DESC(func, "function in which allocations fail");

static struct task_struct *klp_fault_task;
static unsigned int klp_fault_left;

static int klp_fault_begin(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (current != klp_fault_task)
		return 1;

	current->fail_nth = klp_fault_left;
	return 0;
}

static int klp_fault_end(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	klp_fault_left = current->fail_nth;
	current->fail_nth = 0;
	return 0;
}

static struct kretprobe klp_fault = {
	.entry_handler = klp_fault_begin,
	.handler = klp_fault_end,
};

static int klp_fault_set_nth(const char *val, const struct kernel_param *kp)
{
	klp_fault_task = current;
	return kstrtouint(val, 0, &klp_fault_left);
}

static int klp_fault_get_nth(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u\n", klp_fault_left);
}

static const struct kernel_param_ops klp_fault_nth_ops = {
	.set = klp_fault_set_nth,
	.get = klp_fault_get_nth,
};
module_param_cb(nth, &klp_fault_nth_ops, NULL, 0600);
MODULE_PARM_DESC(nth, "which of the writer's next allocations fails");

static int __init klp_fault_init(void)
{
	klp_fault.kp.symbol_name = func;
	return register_kretprobe(&klp_fault);
}

static void __exit klp_fault_exit(void)
{
	unregister_kretprobe(&klp_fault);
}

module_init(klp_fault_init);
module_exit(klp_fault_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Fails one of the allocations that a function makes");
