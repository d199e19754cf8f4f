// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_stale.c - a livepatch whose relocations have values already
 *
 * klp-mark makes them of the marked symbols, and gives these a value. The
 * parameter addresses shows what became of one that is in a section for vmlinux
 * and refers to a module.
 */

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#define MARKED(object, name) klp_sym__ ## object ## __ ## name ## __0
#define DECLARE_MARKED(object, name) extern char MARKED(object, name)[] __weak

DECLARE_MARKED(klp_target, klp_target_alpha);
DECLARE_MARKED(vmlinux, loadavg_proc_show);

static void *stale[] __section(".klp_relocs.vmlinux.1") = {
	MARKED(klp_target, klp_target_alpha),
	MARKED(vmlinux, loadavg_proc_show),
};

static int klp_stale_show_address(char *buffer, const struct kernel_param *kp)
{
	return scnprintf(buffer, PAGE_SIZE, "%016lx %016lx\n",
			 (unsigned long)READ_ONCE(stale[0]),
			 (unsigned long)READ_ONCE(stale[1]));
}

static const struct kernel_param_ops klp_stale_ops = {
	.get = klp_stale_show_address,
};
module_param_cb(addresses, &klp_stale_ops, NULL, 0400);

static int klp_stale_beta(struct seq_file *m, void *v)
{
	seq_puts(m, "klp_stale\n");
	return 0;
}

static struct klp_func klp_stale_funcs[] = {
	{ .old_name = "klp_target_beta", .new_func = klp_stale_beta },
	{ }
};

static struct klp_object klp_stale_objs[] = {
	{ .name = "klp_target", .funcs = klp_stale_funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = klp_stale_objs,
};

static int __init klp_stale_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit klp_stale_exit(void)
{
}

module_init(klp_stale_init);
module_exit(klp_stale_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch whose relocations have values already");
