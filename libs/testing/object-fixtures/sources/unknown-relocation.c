// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* A relocation that no module can have: two that differ in their symbol alone are not the same. */
int work(int value)
{
	long place;
#ifdef PATCHED
	asm("mov one_place@GOTPCREL(%%rip), %0" : "=r"(place));
#else
	asm("mov another_place@GOTPCREL(%%rip), %0" : "=r"(place));
#endif
	return other(value + (int)place);
}
