// SPDX-License-Identifier: GPL-2.0-only
/* klp_target_many.c - functions with long names, which nobody calls */

#include <linux/seq_file.h>

#define NAME(n) \
	klp_target_one_of_many_whose_names_are_so_long_that_forty_of_them_fill_a_page_##n

/* Different values, so that the compiler does not merge them */
#define ONE(n) \
	static noinline int __used NAME(n)(struct seq_file *m, void *v) \
	{ return 1##n; } \
	static_assert(1##n)

ONE(00); ONE(01); ONE(02); ONE(03); ONE(04);
ONE(05); ONE(06); ONE(07); ONE(08); ONE(09);
ONE(10); ONE(11); ONE(12); ONE(13); ONE(14);
ONE(15); ONE(16); ONE(17); ONE(18); ONE(19);
ONE(20); ONE(21); ONE(22); ONE(23); ONE(24);
ONE(25); ONE(26); ONE(27); ONE(28); ONE(29);
ONE(30); ONE(31); ONE(32); ONE(33); ONE(34);
ONE(35); ONE(36); ONE(37); ONE(38); ONE(39);
