// SPDX-License-Identifier: GPL-2.0
/* Only included. */
static int inner_count;

static noinline int inner_step(void)
{
#ifdef PATCHED
	inner_count += 99;
#endif
	return ++inner_count;
}
