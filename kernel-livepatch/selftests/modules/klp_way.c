// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_way.c - stop tasks on their way to a replacement
 *
 * /proc/klp_way calls klp_way_outer(), which calls klp_way_inner(), which prints
 * "original". Whoever calls the latter is stopped between the choice of the
 * function and its beginning,
 * @hold	as long as this is set: it sleeps where ftrace's caller goes on,
 *		as in a trampoline that is called directly
 * @preempt	as long as this is set, if it runs on CPU 1: it is preempted at
 *		the last instruction of ftrace's caller
 */

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/ftrace.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/string.h>

/* CPU whose callers are preempted */
#define KLP_WAY_CPU	1

static bool hold;
module_param(hold, bool, 0644);

static bool preempt;
module_param(preempt, bool, 0644);

static struct task_struct *klp_way_thread;

/* Nobody below a realtime priority gets the CPU */
static int klp_way_spin(void *unused)
{
	while (!kthread_should_stop()) {
		while (READ_ONCE(preempt))
			cpu_relax();
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

static void klp_way_interrupt(struct irq_work *work)
{
	wake_up_process(klp_way_thread);
}

static DEFINE_IRQ_WORK(klp_way_work, klp_way_interrupt);

static void __used klp_way_sleep(void)
{
	while (READ_ONCE(hold))
		msleep(20);
}

/*
 * What calls klp_way_outer() has its frame where %rbp says: whoever goes by that
 * gets there without having met the function.
 */
asm("	.pushsection .text, \"ax\", @progbits\n"
"	.type	klp_way_frame, @function\n"
"	.globl	klp_way_frame\n"
"klp_way_frame:\n"
"	pushq	%rbp\n"
"	movq	%rsp, %rbp\n"
"	call	klp_way_outer\n"
"	popq	%rbp\n"
	ASM_RET
"	.size	klp_way_frame, .-klp_way_frame\n"
"\n"
"	.type	klp_way_stop, @function\n"
"	.globl	klp_way_stop\n"
"klp_way_stop:\n"
"	pushq	%rdi\n"
"	pushq	%rsi\n"
"	call	klp_way_sleep\n"
"	popq	%rsi\n"
"	popq	%rdi\n"
	ASM_RET
"	.size	klp_way_stop, .-klp_way_stop\n"
"	.popsection\n"
);

asmlinkage int klp_way_frame(struct seq_file *m, void *v);
asmlinkage void klp_way_stop(void);

static noinline __used int klp_way_inner(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static noinline __used int klp_way_outer(struct seq_file *m, void *v)
{
	int ret = klp_way_inner(m, v);

	/* Not the last call, or else it would not be on the stack */
	barrier();
	return ret;
}

static int klp_way_show(struct seq_file *m, void *v)
{
	int ret = klp_way_frame(m, v);

	barrier();
	return ret;
}

static void notrace klp_way_handler(unsigned long ip, unsigned long parent_ip,
				    struct ftrace_ops *ops,
				    struct ftrace_regs *fregs)
{
	/* So ftrace's caller is told of a trampoline that it is to go to */
	if (READ_ONCE(hold))
		ftrace_get_regs(fregs)->orig_ax = (unsigned long)klp_way_stop;

	/* It restores the flags right before it returns: then this comes */
	if (READ_ONCE(preempt) && smp_processor_id() == KLP_WAY_CPU) {
		raw_local_irq_disable();
		irq_work_queue(&klp_way_work);
	}
}

static struct ftrace_ops klp_way_ops = {
	.func = klp_way_handler,
	.flags = FTRACE_OPS_FL_SAVE_REGS,
};

static int __init klp_way_init(void)
{
	char inner[] = "klp_way_inner";
	int ret;

	klp_way_thread = kthread_create(klp_way_spin, NULL, "klp_way");
	if (IS_ERR(klp_way_thread))
		return PTR_ERR(klp_way_thread);
	kthread_bind(klp_way_thread, KLP_WAY_CPU);
	sched_set_fifo(klp_way_thread);

	ret = ftrace_set_filter(&klp_way_ops, inner, strlen(inner), 1);
	if (!ret)
		ret = register_ftrace_function(&klp_way_ops);
	if (ret)
		goto free;
	if (proc_create_single("klp_way", 0444, NULL, klp_way_show))
		return 0;

	ret = -ENOMEM;
	unregister_ftrace_function(&klp_way_ops);
free:
	ftrace_set_filter(&klp_way_ops, NULL, 0, 1);
	kthread_stop(klp_way_thread);
	return ret;
}

static void __exit klp_way_exit(void)
{
	remove_proc_entry("klp_way", NULL);
	unregister_ftrace_function(&klp_way_ops);
	ftrace_set_filter(&klp_way_ops, NULL, 0, 1);
	irq_work_sync(&klp_way_work);
	kthread_stop(klp_way_thread);
}

module_init(klp_way_init);
module_exit(klp_way_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Stops tasks on their way to a replacement");
