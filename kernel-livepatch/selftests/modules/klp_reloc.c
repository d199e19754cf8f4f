// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp_reloc.c - a livepatch with livepatch relocations
 *
 * klp-mark makes them of the marked symbols and sections. The parameter
 * addresses shows what became of them, one a line.
 */

#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#define MARKED(object, name, pos) klp_sym__ ## object ## __ ## name ## __ ## pos
#define DECLARE_MARKED(object, name, pos) \
	extern char MARKED(object, name, pos)[] __weak

DECLARE_MARKED(vmlinux, meminfo_proc_show, 0);
DECLARE_MARKED(vmlinux, loadavg_proc_show, 1);
DECLARE_MARKED(vmlinux, m_start, 1);
DECLARE_MARKED(vmlinux, m_start, 2);
DECLARE_MARKED(klp_target, klp_target_alpha, 0);
DECLARE_MARKED(klp_target, klp_target_twin, 1);
DECLARE_MARKED(klp_target, klp_target_twin, 2);

/* Sections of the two objects take turns */
static void *vmlinux_one[] __section(".klp_relocs.vmlinux.1") = {
	MARKED(vmlinux, meminfo_proc_show, 0),
	MARKED(vmlinux, m_start, 1),
};

static void *target_one[] __section(".klp_relocs.klp_target.1") = {
	MARKED(klp_target, klp_target_alpha, 0),
	MARKED(klp_target, klp_target_twin, 2),
};

static void *vmlinux_two[] __section(".klp_relocs.vmlinux.2") = {
	MARKED(vmlinux, m_start, 2),
	MARKED(vmlinux, loadavg_proc_show, 1),
};

static void *target_two[] __section(".klp_relocs.klp_target.2") = {
	MARKED(klp_target, klp_target_twin, 1),
};

/* A relative one, in a section that is read-only when the module comes */
static const s32 klp_reloc_offset __used __section(".klp_relocs.klp_target.3");
asm(".weak klp_sym__klp_target__klp_target_beta__0\n\t"
	".reloc klp_reloc_offset, R_X86_64_PC32, klp_sym__klp_target__klp_target_beta__0");

static int klp_reloc_show_addresses(char *buffer, const struct kernel_param *kp)
{
	const struct {
		void *address;
		const char *name;
	} rows[] = {
		{ READ_ONCE(vmlinux_one[0]), "meminfo_proc_show" },
		{ READ_ONCE(vmlinux_one[1]), "m_start" },
		{ READ_ONCE(vmlinux_two[0]), "m_start" },
		{ READ_ONCE(vmlinux_two[1]), "loadavg_proc_show" },
		{ READ_ONCE(target_one[0]), "klp_target_alpha" },
		{ READ_ONCE(target_two[0]), "klp_target_twin" },
		{ READ_ONCE(target_one[1]), "klp_target_twin" },
		{ (void *)&klp_reloc_offset + READ_ONCE(klp_reloc_offset),
		  "klp_target_beta" },
	};
	int i, len = 0;

	/* In the form of /proc/kallsyms */
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		len += scnprintf(buffer + len, PAGE_SIZE - len, "%016lx %s\n",
				 (unsigned long)rows[i].address, rows[i].name);

	return len;
}

static const struct kernel_param_ops klp_reloc_ops = {
	.get = klp_reloc_show_addresses,
};
module_param_cb(addresses, &klp_reloc_ops, NULL, 0400);

static int klp_reloc_beta(struct seq_file *m, void *v)
{
	seq_puts(m, "klp_reloc\n");
	return 0;
}

static struct klp_func klp_reloc_funcs[] = {
	{ .old_name = "klp_target_beta", .new_func = klp_reloc_beta },
	{ }
};

static struct klp_object klp_reloc_objs[] = {
	{ .name = "klp_target", .funcs = klp_reloc_funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = klp_reloc_objs,
};

static int __init klp_reloc_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit klp_reloc_exit(void)
{
}

module_init(klp_reloc_init);
module_exit(klp_reloc_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("Livepatch with livepatch relocations");
