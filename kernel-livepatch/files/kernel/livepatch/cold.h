/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_COLD_H
#define _LIVEPATCH_COLD_H

#include <linux/livepatch.h>
#include <linux/types.h>

size_t klp_cold_split(const char *name);

int klp_cold_note(struct klp_patch *patch, struct klp_func *func,
		  unsigned long addr);
void klp_cold_forget(struct klp_func *func);
void klp_cold_detach(struct klp_patch *patch);

void klp_cold_of_original(struct klp_func *func,
			  void (*fn)(unsigned long start, unsigned long size,
				     void *data),
			  void *data);
void klp_cold_of_replacement(struct klp_func *func,
			     void (*fn)(unsigned long start, unsigned long size,
					void *data),
			     void *data);

#endif /* _LIVEPATCH_COLD_H */
