// SPDX-License-Identifier: GPL-2.0
#include <linux/printk.h>
#include <linux/once.h>
#include "cases.h"

/* Names that, behind `.data.` and `.text.`, are those of sections that the compiler and the kernel have themselves. */
static int once = 1;
static int rel = 2;
static int read_mostly = 3;
static int page_aligned = 4;
static int init = 5;
static int unlikely_count;
static const int str1 = 6;
static const long cst8 = 7;

static void called_once(int *calls)
{
	++*calls;
}

static noinline int startup(int value)
{
#ifdef PATCHED
	value += 1000;
#endif
	return value + ++once;
}

static noinline int hot(int value)
{
#ifdef PATCHED
	value += 1000;
#endif
	return value + ++rel;
}

static noinline int cold(int value)
{
#ifdef PATCHED
	value += 1000;
#endif
	return value + ++read_mostly;
}

static noinline int exit(int value)
{
#ifdef PATCHED
	value += 1000;
#endif
	return value + ++page_aligned;
}

static noinline int (unlikely)(int value)
{
#ifdef PATCHED
	value += 1000;
#endif
	return value + ++unlikely_count;
}

int section_names_show(struct seq_file *m, void *v)
{
	static int calls;

	DO_ONCE(called_once, &calls);
	pr_info_once("lockstep: shown\n");
	seq_printf(m, "%d %d %d %d %d ", startup(0), hot(0), cold(0), exit(0), (unlikely)(0));
	seq_printf(m, "%d %d %ld %d\n", ++init, *(volatile const int *)&str1, *(volatile const long *)&cst8, calls);
	return 0;
}
