// SPDX-License-Identifier: GPL-2.0-only
#include "fixture.h"

struct static_key {
	int enabled;
};
extern struct static_key outer_key;

int jump(int value)
{
	asm goto("1: .byte 0x0f, 0x1f, 0x44, 0, 0\n"
		 ".pushsection __jump_table,\"aw\"\n"
		 ".balign 8\n .long 1b - ., %l[yes] - .\n .quad %c0 - .\n"
		 ".popsection"
		 : : "i"(&outer_key) : : yes);
	return other(value);
yes:
#ifdef PATCHED
	return other(value + 2);
#else
	return other(value + 1);
#endif
}

int fixup(const int *from)
{
	int value = 0;

	asm volatile("1: movl %1, %0\n2:\n"
		     ".pushsection .fixup,\"ax\"\n3: movl $-14, %0\n jmp 2b\n.popsection\n"
		     ".pushsection __ex_table,\"a\"\n.balign 4\n.long 1b - ., 3b - ., 0\n.popsection"
		     : "+r"(value) : "m"(*from));
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
}

int alternative(int value)
{
	asm volatile("1: .byte 0x0f, 0x1f, 0x44, 0, 0\n2:\n"
		     ".pushsection .altinstructions,\"a\"\n"
		     ".long 1b - ., 3f - .\n.word 7\n.byte 2b - 1b, 4f - 3f\n.popsection\n"
		     ".pushsection .altinstr_replacement,\"ax\"\n3: call replacement\n4:\n.popsection" : : : "memory");
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
}

int quiet_alternative(int value)
{
	asm volatile("1: .byte 0x0f, 0x1f, 0x44, 0, 0\n2:\n"
		     ".pushsection .altinstructions,\"a\"\n"
#ifdef PATCHED
		     ".long 1b - ., 3f - .\n.word 9\n.byte 2b - 1b, 4f - 3f\n.popsection\n"
#else
		     ".long 1b - ., 3f - .\n.word 7\n.byte 2b - 1b, 4f - 3f\n.popsection\n"
#endif
		     ".pushsection .altinstr_replacement,\"ax\"\n3: call replacement\n4:\n.popsection" : : : "memory");
	return other(value);
}
