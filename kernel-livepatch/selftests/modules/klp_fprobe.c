// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_fprobe.c - probe the entry and the return of a function by an fprobe
 *
 * It puts another return address where the function has its own.
 */

#include <linux/fprobe.h>
#include <linux/kernel.h>
#include <linux/module.h>

static char *func = "";
module_param(func, charp, 0444);
MODULE_PARM_DESC(func, "function that is probed");

/* Calls that end at once may count as one */
static unsigned int calls;
module_param(calls, uint, 0444);
MODULE_PARM_DESC(calls, "how many calls have ended");

static void klp_fprobe_exit_handler(struct fprobe *fp, unsigned long entry_ip,
				    struct pt_regs *regs, void *entry_data)
{
	WRITE_ONCE(calls, calls + 1);
}

static struct fprobe klp_fprobe = {
	.exit_handler = klp_fprobe_exit_handler,
};

static int __init klp_fprobe_init(void)
{
	return register_fprobe(&klp_fprobe, func, NULL);
}

static void __exit klp_fprobe_exit(void)
{
	unregister_fprobe(&klp_fprobe);
}

module_init(klp_fprobe_init);
module_exit(klp_fprobe_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Probes a kernel function by an fprobe");
