// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* struct source_location and what follows it, as the compiler lays them out for UBSAN. */
struct overflow {
	const char *file;
	unsigned int line, column;
	const char *type;
};

#define OVERFLOW(number, type_name)                                                                 \
	static struct overflow overflow_##number asm(".Lubsan_data" #number)                        \
		__section(".data..Lubsan_data" #number) = { __FILE__, __LINE__, 3, type_name }

extern void handle_overflow(struct overflow *data);

#ifdef PATCHED
#define TYPE "long"
#line 1000
#else
#define TYPE "int"
#endif
OVERFLOW(1, "int");
OVERFLOW(2, TYPE);

int moved(int value)
{
	if (value < 0)
		handle_overflow(&overflow_1);
	return other(value);
}

int changed(int value)
{
	if (value < 0)
		handle_overflow(&overflow_2);
	return other(value);
}
