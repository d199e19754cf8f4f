// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

struct operations {
	int (*show)(int value);
};

static int show(int value)
{
	return value + 1;
}

#ifdef PATCHED
static int show_more(int value)
{
	return show(value) + 1;
}

const struct operations operations = { show_more };
#else
const struct operations operations = { show };
#endif
