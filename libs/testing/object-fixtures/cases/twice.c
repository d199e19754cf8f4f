// SPDX-License-Identifier: GPL-2.0
#include <linux/stringify.h>
#include "cases.h"

/* One source, two objects: statics of one name, of files of one name. */
#define NAME_OF(which) twice_##which##_show
#define NAME(which) NAME_OF(which)

static int count;

static noinline int step(int by)
{
#ifdef PATCHED
	by *= 10;
#endif
	count += by;
	return count;
}

int NAME(TWICE)(struct seq_file *m, void *v)
{
	seq_printf(m, "%s %d\n", __stringify(TWICE), step(1));
	return 0;
}
