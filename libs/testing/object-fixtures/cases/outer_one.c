// SPDX-License-Identifier: GPL-2.0
#include "cases.h"
#include "inner.c"

int outer_one_show(struct seq_file *m, void *v)
{
	seq_printf(m, "one %d\n", inner_step());
	return 0;
}
