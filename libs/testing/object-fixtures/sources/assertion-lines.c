// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern void __warn_printk(const char *format, ...);
extern int rtnl_is_locked(void);

#define ASSERT_RTNL()                                                                               \
	do {                                                                                        \
		if (!rtnl_is_locked())                                                              \
			__warn_printk("RTNL: assertion failed at %s (%d)\n", __FILE__, __LINE__);   \
	} while (0)

#ifdef PATCHED
#line 1000
#endif
int asserts(int value)
{
	ASSERT_RTNL();
	return other(value);
}

/* Any other number that is printed is what the code does. */
int prints(int value)
{
	if (!rtnl_is_locked())
		__warn_printk("failed at %s (%d)\n", __FILE__, __LINE__);
	return other(value);
}
