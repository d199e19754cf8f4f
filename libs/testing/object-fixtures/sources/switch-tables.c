// SPDX-License-Identifier: GPL-2.0-only
/* Tables that the compiler makes of switches: of jumps into the function, of values, and initial values of locals. */
#include "fixture.h"

extern void fill(void *to);

struct limits {
	int low, high;
	const char *name;
	int more[12];
};

#ifdef PATCHED
int added(int value)
{
	switch (value) {
	case 1: return other(31);
	case 2: return other(value + 3);
	case 3: return printk("added");
	case 4: return other(value * 5);
	case 5: return printk("too");
	case 6: return 6;
	}
	return 0;
}
#endif

int untouched(int value)
{
	switch (value) {
	case 1: return other(1);
	case 2: return other(value + 2);
	case 3: return printk("three");
	case 4: return other(value * 2);
	case 5: return printk("five");
	case 6: return 9;
	}
	return other(0);
}

int untouched_values(int value)
{
	switch (value) {
	case 1: return 17;
	case 2: return 29;
	case 3: return 4;
	case 4: return 44;
	case 5: return 7;
	}
	return 1;
}

int untouched_local(void)
{
	struct limits limits = { 1, 2, "limits", { 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 } };

	fill(&limits);
	return limits.low;
}

int work(int value)
{
	switch (value) {
	case 1: return other(1);
	case 2: return other(value + 2);
	case 3: return printk("three");
#ifdef PATCHED
	case 4: return other(value * 3);
#else
	case 4: return other(value * 2);
#endif
	case 5: return printk("five");
	case 6: return 9;
	}
	return other(0);
}

int values(int value)
{
	switch (value) {
	case 1: return 17;
	case 2: return 29;
#ifdef PATCHED
	case 3: return 5;
#else
	case 3: return 4;
#endif
	case 4: return 44;
	case 5: return 7;
	}
	return 1;
}

int local(void)
{
#ifdef PATCHED
	struct limits limits = { 1, 3, "limits", { 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 } };
#else
	struct limits limits = { 1, 2, "limits", { 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 } };
#endif

	fill(&limits);
	return limits.low;
}
