// SPDX-License-Identifier: GPL-2.0
#include "both.h"

static int both_one_show(struct seq_file *m, void *v)
{
	seq_printf(m, "one %d\n", both_step());
	return 0;
}

static int __init both_one_init(void)
{
	return proc_create_single("lockstep_both_one", 0444, NULL, both_one_show) ? 0 : -ENOMEM;
}

static void __exit both_one_exit(void)
{
	remove_proc_entry("lockstep_both_one", NULL);
}

module_init(both_one_init);
module_exit(both_one_exit);
MODULE_LICENSE("GPL");
