// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

/* struct alt_instr; `replacement` is where its code is counted from. */
#define ALTERNATIVE(replacement, bytes)                                                             \
	asm volatile("1: .byte 0x66, 0x66, 0x66, 0x66, 0x90\n"                                      \
		     ".pushsection .altinstructions, \"a\"\n"                                       \
		     ".long 1b - .\n .long " replacement "\n"                                       \
		     ".word 1\n .byte 5\n .byte " #bytes "\n"                                       \
		     ".popsection")

#ifdef PATCHED
#define BY 3
#else
#define BY 2
#endif

/* As objtool replaced indirect calls up to Linux 5.16: by code of the retpoline thunks' own object. */
int calls_thunk(int value)
{
	ALTERNATIVE("thunk_alternative - .", 5);
	return other(value) * BY;
}

/* No code at all: nops. */
int turned_off(int value)
{
	ALTERNATIVE("0", 0);
	return other(value) * BY;
}

int unchanged(int value)
{
	ALTERNATIVE("thunk_alternative - .", 5);
	return other(value);
}
