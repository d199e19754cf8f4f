// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

struct parameter {
	const char *name;
	int mode;
};

#ifdef PATCHED
#define MODE 0644
#else
#define MODE 0444
#endif

static const struct parameter __used __section("__param") __param_size = { "size", MODE };

int work(int value)
{
	return other(value);
}
