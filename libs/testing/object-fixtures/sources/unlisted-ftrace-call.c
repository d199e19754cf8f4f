// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* What an older recordmcount makes of a call of ftrace in a section that it does not know. */
#define CLEARED_CALL                                                                                \
	asm volatile(".globl __fentry__\n"                                                          \
		     ".byte 0x0f\n1: .byte 0x1f, 0x44, 0x00, 0x00\n"                               \
		     ".reloc 1b, R_X86_64_NONE, __fentry__ - 4")

#ifdef PATCHED
#define BY 3
#else
#define BY 2
#endif

__attribute__((no_instrument_function)) int work(int value)
{
	CLEARED_CALL;
	return other(value) * BY;
}
