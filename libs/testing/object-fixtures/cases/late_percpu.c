// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include "cases.h"

/* Per-CPU variables of a module that comes after its patch. */
static DEFINE_PER_CPU(int, hits) = 40;
static DEFINE_PER_CPU(int, others) = 7;

static int late_percpu_show(struct seq_file *m, void *v)
{
	int cpu, sum = 0;

	this_cpu_inc(hits);
#ifdef PATCHED
	this_cpu_add(hits, 1000);
	sum += 10 * this_cpu_read(others);
#endif
	for_each_possible_cpu(cpu)
		sum += per_cpu(hits, cpu);
	seq_printf(m, "%d %d\n", sum, this_cpu_read(others));
	return 0;
}

static int __init late_percpu_init(void)
{
	return proc_create_single("lockstep_late", 0444, NULL, late_percpu_show) ? 0 : -ENOMEM;
}

static void __exit late_percpu_exit(void)
{
	remove_proc_entry("lockstep_late", NULL);
}

module_init(late_percpu_init);
module_exit(late_percpu_exit);
MODULE_LICENSE("GPL");
