// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/proc_fs.h>
#include "cases.h"

static int __init cases_init(void)
{
	struct proc_dir_entry *folder = proc_mkdir("lockstep_cases", NULL);

	proc_create_single("static_locals", 0444, folder, static_locals_show);
	proc_create_single("static_order", 0444, folder, static_order_show);
	proc_create_single("compound_literals", 0444, folder, compound_literals_show);
	proc_create_single("two_mutexes", 0444, folder, two_mutexes_show);
	proc_create_single("twice_one", 0444, folder, twice_one_show);
	proc_create_single("twice_two", 0444, folder, twice_two_show);
	proc_create_single("outer_one", 0444, folder, outer_one_show);
	proc_create_single("outer_two", 0444, folder, outer_two_show);
	proc_create_single("toggled", 0444, folder, toggled_show);
	proc_create_single("toggle", 0444, folder, toggle_show);
	proc_create_single("section_names", 0444, folder, section_names_show);
	return 0;
}
fs_initcall(cases_init);
