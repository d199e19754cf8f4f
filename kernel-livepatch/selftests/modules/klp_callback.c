// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_callback.c - in which state is the kernel when a callback runs?
 *
 * @func:	a function of the kernel
 * @calls:	how often it was called while the callback slept
 * @realtime:	the callback ran with a realtime priority
 */

#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched/rt.h>
#include <linux/seq_file.h>

static char *func = "klp_track_switched_out";
module_param(func, charp, 0444);

static unsigned int calls;
module_param(calls, uint, 0444);

static bool realtime;
module_param(realtime, bool, 0444);

static atomic_t klp_callback_calls;

static int klp_callback_count(struct kprobe *probe, struct pt_regs *regs)
{
	atomic_inc(&klp_callback_calls);
	return 0;
}

static struct kprobe klp_callback_probe = {
	.pre_handler = klp_callback_count,
};

static void klp_callback_post_patch(struct klp_object *obj)
{
	unsigned int before = atomic_read(&klp_callback_calls);

	realtime = rt_task(current);
	msleep(200);
	calls = atomic_read(&klp_callback_calls) - before;
}

static int klp_callback_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%s\n", THIS_MODULE->name);
	return 0;
}

static struct klp_func klp_callback_funcs[] = {
	{
		.old_name = "version_proc_show",
		.new_func = klp_callback_show,
	},
	{ }
};

static struct klp_object klp_callback_objs[] = {
	{
		.funcs = klp_callback_funcs,
		.callbacks = {
			.post_patch = klp_callback_post_patch,
		},
	},
	{ }
};

static struct klp_patch klp_callback_patch = {
	.mod = THIS_MODULE,
	.objs = klp_callback_objs,
};

static int __init klp_callback_init(void)
{
	int ret;

	klp_callback_probe.symbol_name = func;
	ret = register_kprobe(&klp_callback_probe);
	if (ret)
		return ret;

	ret = klp_enable_patch(&klp_callback_patch);
	if (ret)
		unregister_kprobe(&klp_callback_probe);
	return ret;
}

static void __exit klp_callback_exit(void)
{
	unregister_kprobe(&klp_callback_probe);
}

module_init(klp_callback_init);
module_exit(klp_callback_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Tells in which state the kernel runs callbacks");
