// SPDX-License-Identifier: GPL-2.0
#include "both.h"

static int both_two_show(struct seq_file *m, void *v)
{
	seq_printf(m, "two %d\n", both_step());
	return 0;
}

static int __init both_two_init(void)
{
	return proc_create_single("lockstep_both_two", 0444, NULL, both_two_show) ? 0 : -ENOMEM;
}

static void __exit both_two_exit(void)
{
	remove_proc_entry("lockstep_both_two", NULL);
}

module_init(both_two_init);
module_exit(both_two_exit);
MODULE_LICENSE("GPL");
