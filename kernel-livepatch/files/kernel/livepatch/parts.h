/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_PARTS_H
#define _LIVEPATCH_PARTS_H

#include <linux/livepatch.h>
#include <linux/types.h>

size_t klp_part_base_len(const char *name);

int klp_part_note(struct klp_patch *patch, struct klp_func *func,
		  unsigned long addr);
void klp_parts_forget(struct klp_func *func);
void klp_parts_detach(struct klp_patch *patch);

void klp_parts_of(struct klp_func *func,
		  void (*fn)(unsigned long start, unsigned long size,
			     void *data),
		  void *data);

#endif /* _LIVEPATCH_PARTS_H */
