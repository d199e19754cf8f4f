// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_opaque.c - a thread that sleeps in code the unwinder does not get past
 *
 * Built without ORC data, as code has none that is made while the kernel runs.
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>

static struct task_struct *klp_opaque_thread;

static noinline void klp_opaque_sleep(void)
{
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	/* Not the last call, or else it would not be on the stack */
	barrier();
}

static int klp_opaque_run(void *unused)
{
	klp_opaque_sleep();
	barrier();
	return 0;
}

static int __init klp_opaque_init(void)
{
	klp_opaque_thread = kthread_run(klp_opaque_run, NULL, "klp_opaque");
	return PTR_ERR_OR_ZERO(klp_opaque_thread);
}

static void __exit klp_opaque_exit(void)
{
	kthread_stop(klp_opaque_thread);
}

module_init(klp_opaque_init);
module_exit(klp_opaque_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sleeps where the unwinder is lost");
