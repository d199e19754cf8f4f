// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_holder.c - take functions before a livepatch does
 *
 * @kprobe gets a kprobe with a post_handler, @direct a direct call of ftrace to a
 * trampoline that only returns. Ftrace lets nobody else change where these go on.
 */

#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char *kprobe;
module_param(kprobe, charp, 0444);
MODULE_PARM_DESC(kprobe, "function to put a kprobe with a post_handler on");

static char *direct;
module_param(direct, charp, 0444);
MODULE_PARM_DESC(direct, "function whose calls go directly to a trampoline");

asmlinkage void klp_holder_tramp(void);

asm("	.pushsection	.text, \"ax\", @progbits\n"
"	.type		klp_holder_tramp, @function\n"
"	.globl		klp_holder_tramp\n"
"klp_holder_tramp:\n"
	ASM_RET
"	.size		klp_holder_tramp, .-klp_holder_tramp\n"
"	.popsection\n"
);

static void klp_holder_post(struct kprobe *p, struct pt_regs *regs,
			    unsigned long flags)
{
}

static struct kprobe klp_holder_probe = {
	.post_handler = klp_holder_post,
};

static unsigned long direct_ip;

/* Kprobes find what is not exported */
static unsigned long klp_holder_address(const char *name)
{
	struct kprobe probe = {
		.symbol_name = name,
	};
	unsigned long address = 0;

	if (!register_kprobe(&probe)) {
		address = (unsigned long)probe.addr;
		unregister_kprobe(&probe);
	}
	return address;
}

static int __init klp_holder_init(void)
{
	int ret = 0;

	if (kprobe) {
		klp_holder_probe.symbol_name = kprobe;
		ret = register_kprobe(&klp_holder_probe);
	}
	if (!ret && direct) {
		direct_ip = klp_holder_address(direct);
		ret = register_ftrace_direct(direct_ip,
					     (unsigned long)klp_holder_tramp);
		if (ret && kprobe)
			unregister_kprobe(&klp_holder_probe);
	}
	return ret;
}

static void __exit klp_holder_exit(void)
{
	if (kprobe)
		unregister_kprobe(&klp_holder_probe);
	if (direct)
		unregister_ftrace_direct(direct_ip,
					 (unsigned long)klp_holder_tramp);
}

module_init(klp_holder_init);
module_exit(klp_holder_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Takes functions before a livepatch does");
