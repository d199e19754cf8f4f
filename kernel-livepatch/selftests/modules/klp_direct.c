// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_direct.c - a function calls a trampoline of ours before it begins
 *
 * As it calls those of BPF's fentry: ftrace lets go of it before the trampoline
 * runs, which then returns into the function that the livepatch has chosen, or
 * into the original. One call in four sleeps in between.
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <asm/ibt.h>

static char *func = "";
module_param(func, charp, 0444);
MODULE_PARM_DESC(func, "function that calls the trampoline");

static unsigned int usecs = 200;
module_param(usecs, uint, 0444);
MODULE_PARM_DESC(usecs, "for how long a call sleeps");

/* Calls that begin at once may count as one */
static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many calls have come");

static atomic_t klp_direct_inside = ATOMIC_INIT(0);

static void __used klp_direct_act(void)
{
	unsigned int nr = READ_ONCE(calls) + 1;

	atomic_inc(&klp_direct_inside);
	WRITE_ONCE(calls, nr);
	if (nr % 4 == 0)
		usleep_range(usecs, usecs + 1);
	atomic_dec(&klp_direct_inside);
}

asm("	.pushsection .text, \"ax\", @progbits\n"
"	.type	klp_direct_trampoline, @function\n"
"	.globl	klp_direct_trampoline\n"
"klp_direct_trampoline:\n"
	ASM_ENDBR
"	pushq	%rbp\n"
"	movq	%rsp, %rbp\n"
"	pushq	%rdi\n"
"	pushq	%rsi\n"
"	pushq	%rdx\n"
"	pushq	%rcx\n"
"	pushq	%r8\n"
"	pushq	%r9\n"
"	call	klp_direct_act\n"
"	popq	%r9\n"
"	popq	%r8\n"
"	popq	%rcx\n"
"	popq	%rdx\n"
"	popq	%rsi\n"
"	popq	%rdi\n"
"	leave\n"
	ASM_RET
"	.size	klp_direct_trampoline, .-klp_direct_trampoline\n"
"	.popsection\n"
);

asmlinkage void klp_direct_trampoline(void);

/* It returns to where the livepatch sends it, so that both may have the function */
static int klp_direct_share(struct ftrace_ops *ops, enum ftrace_ops_cmd cmd)
{
	return 0;
}

static struct ftrace_ops klp_direct_ops = {
	.ops_func = klp_direct_share,
};

static int __init klp_direct_init(void)
{
	int ret = ftrace_set_filter(&klp_direct_ops, func, strlen(func), 1);

	if (ret)
		return ret;
	ret = register_ftrace_direct_multi(&klp_direct_ops,
					   (unsigned long)klp_direct_trampoline);
	if (ret)
		ftrace_free_filter(&klp_direct_ops);
	return ret;
}

static void __exit klp_direct_exit(void)
{
	unregister_ftrace_direct_multi(&klp_direct_ops,
				       (unsigned long)klp_direct_trampoline);
	ftrace_free_filter(&klp_direct_ops);
	/* Nobody comes any more; then nobody sleeps; then nobody is on the way out */
	synchronize_rcu_tasks();
	while (atomic_read(&klp_direct_inside))
		usleep_range(1000, 2000);
	synchronize_rcu_tasks();
}

module_init(klp_direct_init);
module_exit(klp_direct_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Lets a kernel function call a trampoline");
