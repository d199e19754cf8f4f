// SPDX-License-Identifier: GPL-2.0-only
/*
 * ranges.c - is a task in code that is about to be switched?
 *
 * When a livepatch is enabled this is the code that runs now: the original
 * functions, or those of the livepatches below. When it is disabled these are
 * its own functions. A function of a livepatch may end with a jump to any other
 * code in its module, which is freed when all of it has been switched off: so
 * the whole text of that module counts as well.
 *
 * Whoever was preempted on the way from the entry of a function to its
 * replacement has taken the decision, but has no address of the function it
 * goes to on the stack. The call to ftrace at the entry of the original is
 * there instead. So that is a range of its own.
 *
 * Or it has the first byte of the replacement there, as a place to return to.
 * The unwinder takes that for the end of a call, and goes by the code before it.
 * This is of another function, and callers may be missed, whichever livepatch it
 * is that the replacement belongs to. So each of these bytes is a range, too.
 */

#include <linux/bsearch.h>
#include <linux/ftrace.h>
#include <linux/kernel.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/stacktrace.h>
#include <linux/string.h>
#include "core.h"
#include "parts.h"
#include "patch.h"
#include "ranges.h"
#include "transition.h"

#define KLP_MAX_STACK_ENTRIES	128

const char * const klp_unreliable = "(unreliable)";

static DEFINE_PER_CPU(unsigned long [KLP_MAX_STACK_ENTRIES], klp_stack_entries);

/**
 * struct klp_collect - what klp_ranges_get() hands on
 * @ranges:	where ranges go; as long as there is no memory they are counted
 * @func:	function that the next ranges belong to
 */
struct klp_collect {
	struct klp_ranges *ranges;
	const char *func;
};

static void klp_ranges_add(unsigned long start, unsigned long size, void *data)
{
	struct klp_collect *collect = data;
	struct klp_ranges *ranges = collect->ranges;
	struct klp_range *range;

	if (!ranges->ranges) {
		ranges->nr++;
		return;
	}

	range = &ranges->ranges[ranges->nr++];
	range->start = start;
	range->end = start + size;
	range->name = collect->func;
}

/* The function that is used until the switch, NULL for the original one */
static struct klp_func *klp_func_before(struct klp_func *func, int target)
{
	struct klp_ops *ops = klp_find_ops(func->old_func);

	if (target == KLP_UNPATCHED)
		return func;

	/* The livepatch may have an entry for another name of the function */
	list_for_each_entry_continue(func, &ops->func_stack, stack_node) {
		if (!func->transition)
			return func;
	}

	return NULL;
}

/* All code of the livepatch that has this replacement */
static void klp_ranges_add_text(struct klp_ranges *ranges,
				const struct klp_func *replacement)
{
	struct klp_text *text;
	struct module *mod;
	unsigned int i;

	preempt_disable();
	mod = __module_address((unsigned long)replacement->new_func);
	preempt_enable();
	/* It cannot go: its livepatch is enabled */
	if (!mod)
		return;

	if (!ranges->texts) {
		ranges->nr_texts++;
		return;
	}

	for (i = 0; i < ranges->nr_texts; i++) {
		if (ranges->texts[i].start ==
		    (unsigned long)mod->core_layout.base)
			return;
	}

	text = &ranges->texts[ranges->nr_texts++];
	text->start = (unsigned long)mod->core_layout.base;
	text->end = text->start + mod->core_layout.text_size;
	snprintf(text->name, sizeof(text->name), "[%s]", mod->name);
}

static void klp_ranges_add_func(struct klp_collect *collect,
				struct klp_func *func, int target)
{
	struct klp_func *before = klp_func_before(func, target);
	unsigned long entry = ftrace_location((unsigned long)func->old_func);

	collect->func = func->old_name;
	if (!before || before->nop) {
		klp_ranges_add((unsigned long)func->old_func, func->old_size,
			       collect);
		klp_parts_of(func, klp_ranges_add, collect);
	} else {
		klp_ranges_add((unsigned long)before->new_func,
			       before->new_size, collect);
		klp_ranges_add_text(collect->ranges, before);
	}

	if (before)
		klp_ranges_add(entry + MCOUNT_INSN_SIZE, 1, collect);
}

static int klp_range_cmp(const void *a, const void *b)
{
	const struct klp_range *left = a, *right = b;

	if (left->start == right->start)
		return 0;
	return left->start < right->start ? -1 : 1;
}

/* Aliases and functions of a known entry overlap; the rest of it looks simple */
static void klp_ranges_sort(struct klp_ranges *ranges)
{
	struct klp_range *last = NULL, *range;
	unsigned int i, nr = 0;

	sort(ranges->ranges, ranges->nr, sizeof(*ranges->ranges),
	     klp_range_cmp, NULL);

	for (i = 0; i < ranges->nr; i++) {
		range = &ranges->ranges[i];
		if (last && range->start < last->end) {
			last->end = max(last->end, range->end);
			continue;
		}
		last = &ranges->ranges[nr++];
		*last = *range;
	}
	ranges->nr = nr;
}

/* Where the replacements of a livepatch begin */
static void klp_ranges_add_entries(struct klp_collect *collect,
				   struct klp_patch *patch)
{
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_object(patch, obj) {
		if (!obj->patched)
			continue;
		klp_for_each_func(obj, func) {
			if (func->nop)
				continue;
			collect->func = func->old_name;
			klp_ranges_add((unsigned long)func->new_func, 1,
				       collect);
		}
	}
}

static void klp_ranges_collect(struct klp_ranges *ranges,
			       struct klp_patch *patch, int target)
{
	struct klp_collect collect = { .ranges = ranges };
	struct klp_object *obj;
	struct klp_func *func;

	ranges->nr = 0;
	ranges->nr_texts = 0;
	klp_for_each_object(patch, obj) {
		if (!obj->patched)
			continue;
		klp_for_each_func(obj, func)
			klp_ranges_add_func(&collect, func, target);
	}

	/* Where nothing is switched nobody is in the way */
	if (!ranges->nr)
		return;

	klp_for_each_patch(patch)
		klp_ranges_add_entries(&collect, patch);
}

/**
 * klp_ranges_put() - free what klp_ranges_get() allocated
 * @ranges:	the ranges
 */
void klp_ranges_put(struct klp_ranges *ranges)
{
	kvfree(ranges->ranges);
	kvfree(ranges->texts);
	memset(ranges, 0, sizeof(*ranges));
}

/**
 * klp_ranges_get() - find the code that nobody may be in
 * @ranges:	where it goes
 * @patch:	livepatch in transition
 * @target:	KLP_PATCHED when it is being enabled, else KLP_UNPATCHED
 *
 * Return: 0, or -ENOMEM
 */
int klp_ranges_get(struct klp_ranges *ranges, struct klp_patch *patch,
		   int target)
{
	/* klp_mutex is held: the second time there are as many */
	ranges->ranges = NULL;
	ranges->texts = NULL;
	klp_ranges_collect(ranges, patch, target);
	ranges->ranges = kvmalloc_array(ranges->nr + 1,
					sizeof(*ranges->ranges), GFP_KERNEL);
	ranges->texts = kvmalloc_array(ranges->nr_texts + 1,
				       sizeof(*ranges->texts), GFP_KERNEL);
	if (!ranges->ranges || !ranges->texts) {
		klp_ranges_put(ranges);
		return -ENOMEM;
	}

	klp_ranges_collect(ranges, patch, target);
	klp_ranges_sort(ranges);
	return 0;
}

static int klp_range_contains(const void *key, const void *elt)
{
	unsigned long addr = *(const unsigned long *)key;
	const struct klp_range *range = elt;

	if (addr < range->start)
		return -1;
	return addr < range->end ? 0 : 1;
}

static const char *klp_texts_find(const struct klp_ranges *ranges,
				  unsigned long addr)
{
	unsigned int i;

	for (i = 0; i < ranges->nr_texts; i++) {
		if (addr >= ranges->texts[i].start &&
		    addr < ranges->texts[i].end)
			return ranges->texts[i].name;
	}

	return NULL;
}

/**
 * klp_ranges_find() - is one of these addresses in the ranges?
 * @ranges:	the ranges
 * @entries:	the addresses
 * @nr:		number of addresses
 *
 * Return: name of the function that is hit, the livepatch in brackets when it
 * is other code of that, or NULL
 */
const char *klp_ranges_find(const struct klp_ranges *ranges,
			    const unsigned long *entries, unsigned int nr)
{
	const struct klp_range *range;
	const char *name = NULL;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		range = bsearch(&entries[i], ranges->ranges, ranges->nr,
				sizeof(*ranges->ranges), klp_range_contains);
		if (range)
			return range->name;
	}

	for (i = 0; i < nr && !name; i++)
		name = klp_texts_find(ranges, entries[i]);

	return name;
}

/**
 * klp_ranges_find_task() - is a task in the ranges?
 * @ranges:	the ranges
 * @task:	a task that does not run and cannot begin to
 *
 * Called with preemption disabled.
 *
 * Return: name of the function that it is in, klp_unreliable when that cannot be
 * told, or NULL
 */
const char *klp_ranges_find_task(const struct klp_ranges *ranges,
				 struct task_struct *task)
{
	unsigned long *entries = *this_cpu_ptr(&klp_stack_entries);
	int nr;

	/* It has run for the last time */
	if (READ_ONCE(task->__state) == TASK_DEAD)
		return NULL;

	nr = stack_trace_save_tsk_reliable(task, entries,
					   KLP_MAX_STACK_ENTRIES);
	if (nr < 0)
		return klp_unreliable;

	return klp_ranges_find(ranges, entries, nr);
}
