// SPDX-License-Identifier: GPL-2.0-only
/* Tables that the kernel's macros and objtool make of code sites, beside those of sites.c. */
#include "fixture.h"

#define LISTED(table, entry) ".pushsection " table ",\"a\"\n" entry "\n.popsection\n"

/* The last entry of .parainstructions lacks its tail padding. */
#define PARAVIRT_CALL(type)                                                                             \
	asm volatile("771: call *pv_ops+80(%%rip)\n772:\n"                                              \
		     LISTED(".parainstructions", ".balign 8\n.quad 771b\n.byte " #type ", 772b-771b\n.short 0") \
		     : : : "memory")
#define LOCKED_INCREMENT(variable)                                                                      \
	asm volatile(LISTED(".smp_locks", ".balign 4\n.long 671f - .") "671: lock incl %0" : "+m"(variable))
#define STATIC_CALL(flags)                                                                              \
	asm volatile("1: call __SCT__hook\n"                                                            \
		     LISTED(".static_call_sites", ".long 1b - ., __SCK__hook - . + " #flags) : : : "memory")
/* Of these each only says where: a retpoline, a return, a call, and the state of the stack (ORC). */
#define LISTED_PLACES                                                                                   \
	asm volatile("1: call __x86_indirect_thunk_rax\n"                                               \
		     LISTED(".retpoline_sites", ".long 1b - .") LISTED(".return_sites", ".long 1b - .") \
		     LISTED(".call_sites", ".long 1b - .") LISTED(".ibt_endbr_seal", ".long 1b - .")    \
		     LISTED(".orc_unwind_ip", ".long 1b - .")                                           \
		     LISTED(".orc_unwind", ".short 8, -16\n.byte 0x25, 0x10") : : : "memory")

int listed;

int untouched(int value)
{
	PARAVIRT_CALL(10);
	LOCKED_INCREMENT(listed);
	STATIC_CALL(0);
	LISTED_PLACES;
	return other(value);
}

int quiet_static_call(int value)
{
#ifdef PATCHED
	STATIC_CALL(1);
#else
	STATIC_CALL(0);
#endif
	return other(value);
}

int work(int value)
{
	PARAVIRT_CALL(10);
	LOCKED_INCREMENT(listed);
	STATIC_CALL(0);
	LISTED_PLACES;
#ifdef PATCHED
	return other(value) + 1;
#else
	return other(value);
#endif
}

int quiet_paravirt(int value)
{
#ifdef PATCHED
	PARAVIRT_CALL(11);
#else
	PARAVIRT_CALL(10);
#endif
	return other(value);
}
