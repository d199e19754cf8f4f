// SPDX-License-Identifier: GPL-2.0-only
/* klp_rival.c - another user of ftrace that redirects a function */

#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/string.h>

static char *func = "cmdline_proc_show";
module_param(func, charp, 0);
MODULE_PARM_DESC(func, "function that is taken");

static void notrace klp_rival_handler(unsigned long ip, unsigned long parent_ip,
				      struct ftrace_ops *ops,
				      struct ftrace_regs *fregs)
{
}

static struct ftrace_ops klp_rival_ops = {
	.func = klp_rival_handler,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int __init klp_rival_init(void)
{
	int ret = ftrace_set_filter(&klp_rival_ops, func, strlen(func), 1);

	return ret ? ret : register_ftrace_function(&klp_rival_ops);
}

static void __exit klp_rival_exit(void)
{
	unregister_ftrace_function(&klp_rival_ops);
	ftrace_set_filter(&klp_rival_ops, NULL, 0, 1);
}

module_init(klp_rival_init);
module_exit(klp_rival_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Another user of ftrace that redirects a function");
