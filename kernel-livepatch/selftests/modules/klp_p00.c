// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_p00.c - a livepatch made of its parameters
 *
 * Each function in @funcs, written OBJECT:FUNCTION or OBJECT:FUNCTION:POSITION,
 * gets a replacement that prints the name of this module. The tests make other
 * livepatches of it by writing another name of the same length over this one.
 */

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/linkage.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#define MAX_FUNCS	256

static char *funcs[MAX_FUNCS];
static int nr_funcs;
module_param_array(funcs, charp, &nr_funcs, 0);
MODULE_PARM_DESC(funcs, "functions to replace, neighbours of one object together");

static bool replace;
module_param(replace, bool, 0);
MODULE_PARM_DESC(replace, "take over from all other livepatches");

static int init_ret;
module_param(init_ret, int, 0);
MODULE_PARM_DESC(init_ret, "fail with this before the livepatch is enabled");

static int pre_patch_ret;
module_param(pre_patch_ret, int, 0);
MODULE_PARM_DESC(pre_patch_ret, "fail with this while the livepatch is enabled");

static unsigned int pre_patch_ms;
module_param(pre_patch_ms, uint, 0);
MODULE_PARM_DESC(pre_patch_ms, "sleep while the livepatch is enabled");

static bool hold;
module_param(hold, bool, 0644);
MODULE_PARM_DESC(hold, "keep those who call a replacement in it");

static bool tail;
module_param(tail, bool, 0);
MODULE_PARM_DESC(tail, "replacements end with a jump to a helper that does all");

static bool behind;
module_param(behind, bool, 0);
MODULE_PARM_DESC(behind, "replacements follow a function that ends with its frame");

static noinline __used int klp_test_show(struct seq_file *m, void *v)
{
	while (READ_ONCE(hold))
		msleep(20);
	seq_printf(m, "%s\n", THIS_MODULE->name);
	return 0;
}

static int klp_test_tail(struct seq_file *m, void *v)
{
	return klp_test_show(m, v);
}

/*
 * As compilers leave it where a function ends with a BUG(), with no room to the
 * next one: its frame is where %rbp says up to the last byte.
 */
asm("	.pushsection .text, \"ax\", @progbits\n"
"	.type	klp_test_before, @function\n"
"klp_test_before:\n"
"	pushq	%rbp\n"
"	movq	%rsp, %rbp\n"
"	ud2\n"
"	.size	klp_test_before, .-klp_test_before\n"
"\n"
"	.type	klp_test_behind, @function\n"
"	.globl	klp_test_behind\n"
"klp_test_behind:\n"
"	jmp	klp_test_show\n"
"	.size	klp_test_behind, .-klp_test_behind\n"
"	.popsection\n"
);

asmlinkage int klp_test_behind(struct seq_file *m, void *v);

static int klp_test_pre_patch(struct klp_object *obj)
{
	msleep(pre_patch_ms);
	return pre_patch_ret;
}

#define MAX_STATES	8

static unsigned long states[MAX_STATES];
static int nr_states;
module_param_array(states, ulong, &nr_states, 0);
MODULE_PARM_DESC(states, "IDs of the system states that it modifies");

static struct klp_state klp_test_states[MAX_STATES + 1];
static struct klp_func klp_test_funcs[2 * MAX_FUNCS];
static struct klp_object klp_test_objs[MAX_FUNCS + 1];
static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = klp_test_objs,
};

static int klp_test_add(char *spec, struct klp_object **obj,
			struct klp_func **func)
{
	char *object = strsep(&spec, ":");
	char *name = strsep(&spec, ":");
	char *pos = strsep(&spec, ":");
	const char *current_object = (*obj)->name ? (*obj)->name : "vmlinux";

	if (!name)
		return -EINVAL;

	/* An empty entry ends the functions of an object */
	if ((*obj)->funcs && strcmp(object, current_object)) {
		(*obj)++;
		(*func)++;
	}
	if (!(*obj)->funcs) {
		(*obj)->name = strcmp(object, "vmlinux") ? object : NULL;
		(*obj)->funcs = *func;
		(*obj)->callbacks.pre_patch = klp_test_pre_patch;
	}

	(*func)->old_name = name;
	(*func)->new_func = behind ? klp_test_behind :
			    tail ? klp_test_tail : klp_test_show;
	if (pos && kstrtoul(pos, 10, &(*func)->old_sympos))
		return -EINVAL;
	(*func)++;

	return 0;
}

static int __init klp_test_init(void)
{
	struct klp_object *obj = klp_test_objs;
	struct klp_func *func = klp_test_funcs;
	int i, ret;

	for (i = 0; i < nr_funcs; i++) {
		ret = klp_test_add(funcs[i], &obj, &func);
		if (ret)
			return ret;
	}

	for (i = 0; i < nr_states; i++) {
		klp_test_states[i].id = states[i];
		klp_test_states[i].version = 1;
	}
	patch.states = nr_states ? klp_test_states : NULL;

	if (init_ret)
		return init_ret;

	patch.replace = replace;
	return klp_enable_patch(&patch);
}

static void __exit klp_test_exit(void)
{
}

module_init(klp_test_init);
module_exit(klp_test_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch made of its parameters");
