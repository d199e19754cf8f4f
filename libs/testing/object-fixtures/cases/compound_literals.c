// SPDX-License-Identifier: GPL-2.0
#include "cases.h"

/* Objects without names of their own, numbered in the order of the file. */
#ifdef PATCHED
static int *added = (int []){ 700, 800 };
#endif
static int *cells = (int []){ 10, 20, 30 };
static int *others = (int []){ 100, 200 };

int compound_literals_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d %d", ++cells[1], ++others[0]);
#ifdef PATCHED
	seq_printf(m, " %d", ++added[0]);
#endif
	seq_putc(m, '\n');
	return 0;
}
