// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_break.c - make a mistake in the livepatch core on purpose
 *
 * @mistake: "recheck"	tasks that ran are not checked again in the stop
 *	     "idle"	idle tasks are never in the way
 *	     "exiting"	tasks that have left the task list are forgotten
 *	     "overflow"	tasks that could not be noted are forgotten
 *	     "blind"	the stacks of the stoppers cannot be read
 *	     "parts"	parts of a function that are elsewhere do not count
 *	     "helpers"	other code of a livepatch that goes does not count
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/objtool.h>
#include <linux/sched.h>
#include <linux/string.h>
#include "klp_chain.h"

struct klp_ranges;
struct klp_stop;

static char *mistake = "";
module_param(mistake, charp, 0444);

static unsigned int klp_break_check_ran(struct klp_stop *stop);
static const char *klp_break_find_task(const struct klp_ranges *ranges,
				       struct task_struct *task);
static int klp_break_exits_of_cpu(int cpu);
static bool klp_break_exits_over(unsigned int *over);
static bool klp_break_overflowed(void);
static int klp_break_stop_cpu(void *data);
static void klp_break_parts_of(struct klp_func *func, void *add, void *data);

static struct klp_func klp_break_funcs[] = {
	{
		.old_name = "klp_stop_check_ran",
		.new_func = klp_break_check_ran,
	},
	{
		.old_name = "klp_ranges_find_task",
		.new_func = klp_break_find_task,
	},
	{
		.old_name = "klp_exits_of_cpu",
		.new_func = klp_break_exits_of_cpu,
	},
	{
		.old_name = "klp_exits_over",
		.new_func = klp_break_exits_over,
	},
	{
		.old_name = "klp_track_overflowed",
		.new_func = klp_break_overflowed,
	},
	{
		.old_name = "klp_stop_cpu",
		.new_func = klp_break_stop_cpu,
	},
	{
		.old_name = "klp_parts_of",
		.new_func = klp_break_parts_of,
	},
	{ }
};

static unsigned int klp_break_check_ran(struct klp_stop *stop)
{
	unsigned int (*original)(struct klp_stop *stop) =
		klp_original(&klp_break_funcs[0]);

	return strcmp(mistake, "recheck") ? original(stop) : 0;
}

static const char *klp_break_find_task(const struct klp_ranges *ranges,
				       struct task_struct *task)
{
	const char *(*original)(const struct klp_ranges *ranges,
				struct task_struct *task) =
		klp_original(&klp_break_funcs[1]);
	const char *func = original(ranges, task);

	if (is_idle_task(task) && !strcmp(mistake, "idle"))
		return NULL;
	/* What is no function that is switched has the name of its module */
	if (func && *func == '[' && !strcmp(mistake, "helpers"))
		return NULL;
	return func;
}

static int klp_break_exits_of_cpu(int cpu)
{
	typeof(klp_break_exits_of_cpu) *original =
		klp_original(&klp_break_funcs[2]);

	return strcmp(mistake, "exiting") ? original(cpu) : 0;
}

static bool klp_break_exits_over(unsigned int *over)
{
	typeof(klp_break_exits_over) *original =
		klp_original(&klp_break_funcs[3]);

	return strcmp(mistake, "exiting") ? original(over) : true;
}

static bool klp_break_overflowed(void)
{
	typeof(klp_break_overflowed) *original =
		klp_original(&klp_break_funcs[4]);

	return strcmp(mistake, "overflow") ? original() : false;
}

/*
 * Nothing is known about this frame: the unwinder looks for the caller where the
 * room is, and finds zeros.
 */
static noinline int klp_break_blind(int (*original)(void *data), void *data)
{
	unsigned long room[8] = {};
	int ret;

	barrier_data(room);
	ret = original(data);
	barrier_data(room);
	return ret;
}

STACK_FRAME_NON_STANDARD(klp_break_blind);

static int klp_break_stop_cpu(void *data)
{
	int (*original)(void *data) = klp_original(&klp_break_funcs[5]);

	if (strcmp(mistake, "blind"))
		return original(data);
	return klp_break_blind(original, data);
}

static void klp_break_parts_of(struct klp_func *func, void *add, void *data)
{
	typeof(klp_break_parts_of) *original =
		klp_original(&klp_break_funcs[6]);

	if (strcmp(mistake, "parts"))
		original(func, add, data);
}

static struct klp_object klp_break_objs[] = {
	{
		.funcs = klp_break_funcs,
	},
	{ }
};

static struct klp_patch klp_break_patch = {
	.mod = THIS_MODULE,
	.objs = klp_break_objs,
};

static int __init klp_break_init(void)
{
	return klp_enable_patch(&klp_break_patch);
}

static void __exit klp_break_exit(void)
{
}

module_init(klp_break_init);
module_exit(klp_break_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Makes a mistake in the livepatch core");
