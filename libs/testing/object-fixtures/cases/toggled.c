// SPDX-License-Identifier: GPL-2.0
#include <linux/jump_label.h>
#include <linux/static_call.h>
#include <linux/tracepoint.h>
#include <asm/cpufeature.h>
#include "cases.h"

/* Code that the kernel itself rewrites: a key, a call, a tracepoint, and what fits the CPU. */
DEFINE_STATIC_KEY_FALSE(lockstep_case_key);

static int call_one(void)
{
	return 1;
}

static int call_two(void)
{
	return 2;
}

DEFINE_STATIC_CALL(lockstep_case_call, call_one);

DECLARE_TRACE(lockstep_case, TP_PROTO(int value), TP_ARGS(value));
DEFINE_TRACE(lockstep_case, TP_PROTO(int value), TP_ARGS(value));

static int traced;
static bool is_on;

static void on_trace(void *data, int value)
{
	traced += value;
}

int toggle_show(struct seq_file *m, void *v)
{
	is_on = !is_on;
	if (is_on)
		static_branch_enable(&lockstep_case_key);
	else
		static_branch_disable(&lockstep_case_key);
	static_call_update(lockstep_case_call, is_on ? call_two : call_one);
	if (is_on)
		register_trace_lockstep_case(on_trace, NULL);
	else
		unregister_trace_lockstep_case(on_trace, NULL);
	seq_printf(m, "%d\n", is_on);
	return 0;
}

int toggled_show(struct seq_file *m, void *v)
{
	int key = 0, before = traced;

	if (static_branch_unlikely(&lockstep_case_key))
		key = 1;
#ifdef PATCHED
	if (static_branch_likely(&lockstep_case_key))
		key += 10;
	trace_lockstep_case(100);
#endif
	trace_lockstep_case(5);
	seq_printf(m, "key %d call %d traced %d fpu %d\n", key, static_call(lockstep_case_call)(), traced - before,
		   static_cpu_has(X86_FEATURE_FPU) ? 1 : 0);
	return 0;
}
