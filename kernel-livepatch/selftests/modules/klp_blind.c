// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_blind.c - is the stack of a task that was interrupted at an address reliable?
 *
 * Unwinds as if this task had been interrupted at @addr, with its stack as it is
 * or with nothing on it but returns to @caller. @reliable then says whether the
 * unwinder takes what it finds for all there is.
 */

#include <linux/module.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <asm/segment.h>
#include <asm/unwind.h>

static unsigned long addr;
module_param(addr, ulong, 0444);

static unsigned long caller;
module_param(caller, ulong, 0444);

static bool reliable;
module_param(reliable, bool, 0444);

static int __init klp_blind_init(void)
{
	unsigned long stack[16];
	struct pt_regs regs = {
		.cs = __KERNEL_CS,
		.ip = addr,
		.sp = caller ? (unsigned long)stack : current_stack_pointer,
	};
	struct unwind_state state;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stack); i++)
		stack[i] = caller;

	unwind_start(&state, current, &regs, NULL);
	while (!unwind_done(&state) && !unwind_error(&state))
		unwind_next_frame(&state);
	reliable = !unwind_error(&state);
	return 0;
}

static void __exit klp_blind_exit(void)
{
}

module_init(klp_blind_init);
module_exit(klp_blind_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Tells whether the unwinder trusts a stack");
