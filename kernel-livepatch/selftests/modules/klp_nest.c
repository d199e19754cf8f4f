// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_nest.c - call a function from within two handlers of ftrace
 *
 * /proc/klp_nest calls klp_nest_outer(), whose handler calls klp_nest_middle(),
 * whose handler calls klp_nest_inner(), which prints "original". As others do,
 * both handlers make sure that they do not recurse. ftrace keeps one account of
 * that for all handlers, and tolerates one more: the third one is refused.
 */

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/trace_recursion.h>

static struct seq_file *klp_nest_file;

static noinline __used int klp_nest_inner(struct seq_file *m, void *v)
{
	seq_puts(m, "original\n");
	return 0;
}

static noinline __used void klp_nest_middle(void)
{
	barrier();
}

static noinline __used int klp_nest_outer(struct seq_file *m, void *v)
{
	barrier();
	return 0;
}

static void notrace klp_nest_handler(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct ftrace_regs *fregs);

static struct ftrace_ops klp_nest_outer_ops = { .func = klp_nest_handler };
static struct ftrace_ops klp_nest_middle_ops = { .func = klp_nest_handler };

static void notrace klp_nest_handler(unsigned long ip, unsigned long parent_ip,
				     struct ftrace_ops *ops,
				     struct ftrace_regs *fregs)
{
	int bit = ftrace_test_recursion_trylock(ip, parent_ip);

	if (bit < 0)
		return;

	preempt_disable_notrace();
	if (ops == &klp_nest_outer_ops)
		klp_nest_middle();
	else
		klp_nest_inner(klp_nest_file, NULL);
	preempt_enable_notrace();
	ftrace_test_recursion_unlock(bit);
}

static int klp_nest_show(struct seq_file *m, void *v)
{
	klp_nest_file = m;
	return klp_nest_outer(m, v);
}

static int klp_nest_register(struct ftrace_ops *ops, char *func)
{
	int ret = ftrace_set_filter(ops, func, strlen(func), 1);

	return ret ? ret : register_ftrace_function(ops);
}

static void klp_nest_unregister(struct ftrace_ops *ops)
{
	unregister_ftrace_function(ops);
	ftrace_set_filter(ops, NULL, 0, 1);
}

static int __init klp_nest_init(void)
{
	int ret = klp_nest_register(&klp_nest_outer_ops, "klp_nest_outer");

	if (ret)
		return ret;

	ret = klp_nest_register(&klp_nest_middle_ops, "klp_nest_middle");
	if (!ret && !proc_create_single("klp_nest", 0444, NULL, klp_nest_show))
		ret = -ENOMEM;
	if (ret) {
		klp_nest_unregister(&klp_nest_middle_ops);
		klp_nest_unregister(&klp_nest_outer_ops);
	}
	return ret;
}

static void __exit klp_nest_exit(void)
{
	remove_proc_entry("klp_nest", NULL);
	klp_nest_unregister(&klp_nest_middle_ops);
	klp_nest_unregister(&klp_nest_outer_ops);
}

module_init(klp_nest_init);
module_exit(klp_nest_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Calls a function from within two handlers of ftrace");
