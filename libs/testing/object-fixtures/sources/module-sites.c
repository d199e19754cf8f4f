// SPDX-License-Identifier: GPL-2.0-only
/* A tracepoint and a static call whose keys a module defines elsewhere. */
#include "fixture.h"

struct tracepoint {
	const char *name;
	long key;
};
extern struct tracepoint __tracepoint_hook;
extern void trace_hook(int value);

int work(int value)
{
	asm goto("1: .byte 0x0f, 0x1f, 0x44, 0, 0\n"
		 ".pushsection __jump_table,\"aw\"\n"
		 ".balign 8\n .long 1b - ., %l[traced] - .\n .quad %c0 + 8 - .\n"
		 ".popsection"
		 : : "i"(&__tracepoint_hook) : : traced);
back:
	asm volatile("1: call __SCT__step\n"
		     ".pushsection .static_call_sites,\"a\"\n.long 1b - ., __SCK__step - .\n.popsection" : : : "memory");
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
traced:
	trace_hook(value);
	goto back;
}
