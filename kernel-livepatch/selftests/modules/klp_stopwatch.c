// SPDX-License-Identifier: GPL-2.0-only
/* klp_stopwatch.c - how often was a kernel function called, how long did it take? */

#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>

static char *func = "klp_check_conflicts";
module_param(func, charp, 0);
MODULE_PARM_DESC(func, "function that is timed");

static u64 last_ns;
module_param(last_ns, ullong, 0444);
MODULE_PARM_DESC(last_ns, "duration of its last call");

/* Calls that end at once may count as one */
static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many calls have ended");

static int klp_stopwatch_start(struct kretprobe_instance *ri,
			       struct pt_regs *regs)
{
	*(u64 *)ri->data = ktime_get_ns();
	return 0;
}

static int klp_stopwatch_stop(struct kretprobe_instance *ri,
			      struct pt_regs *regs)
{
	WRITE_ONCE(calls, calls + 1);
	WRITE_ONCE(last_ns, ktime_get_ns() - *(u64 *)ri->data);
	return 0;
}

static struct kretprobe klp_stopwatch = {
	.entry_handler = klp_stopwatch_start,
	.handler = klp_stopwatch_stop,
	.data_size = sizeof(u64),
	.maxactive = 4,
};

static int __init klp_stopwatch_init(void)
{
	klp_stopwatch.kp.symbol_name = func;
	return register_kretprobe(&klp_stopwatch);
}

static void __exit klp_stopwatch_exit(void)
{
	unregister_kretprobe(&klp_stopwatch);
}

module_init(klp_stopwatch_init);
module_exit(klp_stopwatch_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Counts and times the calls of a kernel function");
