// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

extern void register_hook(int (*hook)(int value));

struct operations {
	int (*run)(int value);
};

#ifdef PATCHED
const struct operations more = { .run = other };
#endif

int work(int value)
{
#ifdef PATCHED
	register_hook(more.run);
	register_hook(other);
#endif
	return other(value);
}
