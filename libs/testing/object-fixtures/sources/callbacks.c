// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

struct klp_object;

#ifdef PATCHED
static int prepare(struct klp_object *object)
{
	return other(1);
}
static int (*prepare_pointer)(struct klp_object *) __used __section(".lockstep.callbacks.pre_patch") = prepare;
#endif

int work(int value)
{
#ifdef PATCHED
	return other(value + 1);
#else
	return other(value);
#endif
}
