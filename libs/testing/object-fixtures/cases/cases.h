/* SPDX-License-Identifier: GPL-2.0 */
/* Code in the shapes that patches meet, built into a kernel of tests: each file shows what it does in /proc/lockstep_cases. */
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

int static_locals_show(struct seq_file *m, void *v);
int static_order_show(struct seq_file *m, void *v);
int compound_literals_show(struct seq_file *m, void *v);
int two_mutexes_show(struct seq_file *m, void *v);
int twice_one_show(struct seq_file *m, void *v);
int twice_two_show(struct seq_file *m, void *v);
int outer_one_show(struct seq_file *m, void *v);
int outer_two_show(struct seq_file *m, void *v);
int toggled_show(struct seq_file *m, void *v);
int toggle_show(struct seq_file *m, void *v);
int section_names_show(struct seq_file *m, void *v);
