/* SPDX-License-Identifier: GPL-2.0-only */
/* What the fixtures share: the attributes of kernel code, and table entries as the kernel's macros emit them. */
#define noinline __attribute__((noinline))
#define __section(name) __attribute__((section(name)))
#define __used __attribute__((used))

extern int printk(const char *format, ...);
extern int other(int value);

/* WARN-like: a ud2 and its struct bug_entry. */
#define BUG_FLAGS(flags)                                                                            \
	asm volatile("1: ud2\n"                                                                     \
		     ".pushsection __bug_table,\"aw\"\n"                                            \
		     "2: .long 1b - 2b\n .long %c0 - 2b\n .word %c1\n .word %c2\n .org 2b + 12\n"   \
		     ".popsection"                                                                  \
		     : : "i"(__FILE__), "i"(__LINE__), "i"(flags))
