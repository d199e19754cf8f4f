// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* A loop over a string compares with its end, which is where the next string begins. */
int work(int value)
{
	const char *at, *text = "first";
	int sum = value;

	for (at = text; at != text + sizeof("first"); at++)
		sum += other(*at);
#ifdef PATCHED
	sum++;
#endif
	printk("second");
	return sum;
}
