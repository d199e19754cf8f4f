/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KLP_CHAIN_H
#define KLP_CHAIN_H

#include <linux/ftrace.h>
#include <linux/livepatch.h>

/* The code of a patched function itself, past its call to ftrace */
static inline void *klp_original(const struct klp_func *func)
{
	return func->old_func + MCOUNT_INSN_SIZE;
}

#endif
