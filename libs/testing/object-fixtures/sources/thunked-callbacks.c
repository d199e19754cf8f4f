// SPDX-License-Identifier: GPL-2.0-only
/* As only-callbacks.c, where returns go through a thunk (CONFIG_RETHUNK). */
#include "fixture.h"

struct klp_object;

void __x86_return_thunk(void);

int limits[4] = { 1, 2, 3 };

#ifdef PATCHED
static int prepare(struct klp_object *object)
{
	limits[2] = 4;
	__x86_return_thunk();
	return 0;
}
static int (*prepare_pointer)(struct klp_object *) __used __section(".lockstep.callbacks.pre_patch") = prepare;
#endif

int work(int value)
{
	return other(limits[value & 3]);
}
