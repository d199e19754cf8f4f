/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_RANGES_H
#define _LIVEPATCH_RANGES_H

#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/sched.h>

/**
 * struct klp_range - code that no task may be in when all of them switch
 * @start:	first address
 * @end:	first address after it
 * @name:	function that it belongs to
 */
struct klp_range {
	unsigned long start;
	unsigned long end;
	const char *name;
};

/**
 * struct klp_text - all code of a livepatch, some of which is switched
 * @start:	first address
 * @end:	first address after it
 * @name:	its name in brackets
 */
struct klp_text {
	unsigned long start;
	unsigned long end;
	char name[MODULE_NAME_LEN + 2];
};

/**
 * struct klp_ranges - all of that code
 * @ranges:	functions, in ascending order, without overlaps
 * @nr:		number of functions
 * @texts:	livepatches, few
 * @nr_texts:	number of livepatches
 */
struct klp_ranges {
	struct klp_range *ranges;
	unsigned int nr;
	struct klp_text *texts;
	unsigned int nr_texts;
};

/* What klp_ranges_find_task() says of a task whose stack cannot be read */
extern const char * const klp_unreliable;

int klp_ranges_get(struct klp_ranges *ranges, struct klp_patch *patch,
		   int target);
void klp_ranges_put(struct klp_ranges *ranges);
const char *klp_ranges_find(const struct klp_ranges *ranges,
			    const unsigned long *entries, unsigned int nr);
const char *klp_ranges_find_task(const struct klp_ranges *ranges,
				 struct task_struct *task);

#endif /* _LIVEPATCH_RANGES_H */
