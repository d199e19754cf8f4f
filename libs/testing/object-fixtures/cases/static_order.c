// SPDX-License-Identifier: GPL-2.0
#include "cases.h"

/* Functions that change places in the file, each with a static variable of one name, all inlined into one function. */
#ifdef PATCHED
static __always_inline int second_step(void)
{
	static int count;

	count += 10;
	return count;
}

static __always_inline int first_step(void)
{
	static int count;

	return ++count;
}
#else
static __always_inline int first_step(void)
{
	static int count;

	return ++count;
}

static __always_inline int second_step(void)
{
	static int count;

	count += 10;
	return count;
}
#endif

int static_order_show(struct seq_file *m, void *v)
{
	int first, second;

#ifdef PATCHED
	second = second_step();
	first = first_step();
	seq_puts(m, "patched ");
#else
	first = first_step();
	second = second_step();
#endif
	seq_printf(m, "%d %d\n", first, second);
	return 0;
}
