// SPDX-License-Identifier: GPL-2.0
#include "cases.h"

/* Static variables of functions, one name: the compiler numbers them by where they come up, which inlining moves. */
#ifdef PATCHED
static noinline int added_ticket(void)
{
	static int count;

	return ++count;
}

static noinline int first_ticket(void)
#else
static __always_inline int first_ticket(void)
#endif
{
	static int count;

	return ++count;
}

#ifdef PATCHED
static __always_inline int second_ticket(void)
#else
static noinline int second_ticket(void)
#endif
{
	static int count;

	return ++count;
}

int static_locals_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%d %d", first_ticket(), second_ticket());
#ifdef PATCHED
	seq_printf(m, " %d", added_ticket());
#endif
	seq_putc(m, '\n');
	return 0;
}
