// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

void hello(void)
{
	printk("shared");
#ifdef PATCHED
	printk("hullo");
#else
	printk("hello");
#endif
}

void bye(void)
{
	printk("shared");
}
