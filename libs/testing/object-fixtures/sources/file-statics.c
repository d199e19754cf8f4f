// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* State of the whole file, by names that macros give to constants of single functions. */
static struct { int users, last; } descriptor;
static int _rs[4], __key;

int users(int value) { return descriptor.users + _rs[0] + __key + other(value); }

int work(int value)
{
	static struct { int users, last; } descriptor_of_work;
	static int descriptor[4];

	descriptor[value] += other(value);
	descriptor_of_work.users = descriptor[1];
	return other(descriptor_of_work.users);
}

int add(int value)
{
	descriptor.users += value;
	_rs[0] = value;
	__key = value;
#ifdef PATCHED
	descriptor.last = value;
	_rs[1] = __key;
#endif
	return other(value);
}
