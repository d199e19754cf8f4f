// SPDX-License-Identifier: GPL-2.0-only
/*
 * parts.c - the parts of functions that are elsewhere
 *
 * A compiler may move what is unlikely out of a function, as FUNCTION.cold. It
 * may leave little more of a function than a jump to FUNCTION.part.N, or to a
 * clone that is FUNCTION.isra.N or FUNCTION.constprop.N. Whoever sleeps there
 * has no other address of the function on the stack.
 *
 * resolve.c finds the parts of original functions when it looks these up. Those
 * of a replacement are in the text of its livepatch, all of which counts. What
 * bears the same name is not told apart: it is better to wait for a task too
 * many than for one too few.
 */

#include <linux/kallsyms.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "core.h"
#include "parts.h"

static const char * const klp_part_suffixes[] = {
	".cold",
	".part",
	".isra",
	".constprop",
};

/**
 * struct klp_part - a part of a function that livepatches replace
 * @node:	node in klp_parts
 * @patch:	livepatch that replaces the function
 * @func:	its entry for the function
 * @start:	first address of the part
 * @size:	its size
 */
struct klp_part {
	struct list_head node;
	struct klp_patch *patch;
	struct klp_func *func;
	unsigned long start;
	unsigned long size;
};

/* Protected by klp_mutex */
static LIST_HEAD(klp_parts);

/* Is this the beginning of a suffix, perhaps with a number, and more suffixes? */
static bool klp_part_begins(const char *dot)
{
	unsigned int i;
	size_t len;

	for (i = 0; i < ARRAY_SIZE(klp_part_suffixes); i++) {
		len = strlen(klp_part_suffixes[i]);
		if (!strncmp(dot, klp_part_suffixes[i], len) &&
		    (!dot[len] || dot[len] == '.'))
			return true;
	}

	return false;
}

/**
 * klp_part_base_len() - which function is a symbol a part of?
 * @name:	name of the symbol
 *
 * Return: length of the name that the function has in its source; that of @name
 * when it is no part
 */
size_t klp_part_base_len(const char *name)
{
	const char *dot;

	/* Most names have no dot at all */
	for (dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		if (klp_part_begins(dot))
			return dot - name;
	}

	return strlen(name);
}

/**
 * klp_part_note() - remember a part
 * @patch:	livepatch that replaces the function
 * @func:	its entry for the function
 * @addr:	address of the part
 *
 * Return: 0, or -ENOMEM
 */
int klp_part_note(struct klp_patch *patch, struct klp_func *func,
		  unsigned long addr)
{
	unsigned long size, offset;
	struct klp_part *part;

	if (!kallsyms_lookup_size_offset(addr, &size, &offset))
		return 0;

	part = kmalloc(sizeof(*part), GFP_KERNEL);
	if (!part)
		return -ENOMEM;

	part->patch = patch;
	part->func = func;
	part->start = addr;
	part->size = size - offset;
	list_add(&part->node, &klp_parts);
	return 0;
}

/**
 * klp_parts_forget() - undo klp_part_note() for one function of a livepatch
 * @func:	its entry for the function
 */
void klp_parts_forget(struct klp_func *func)
{
	struct klp_part *part, *next;

	list_for_each_entry_safe(part, next, &klp_parts, node) {
		if (part->func != func)
			continue;
		list_del(&part->node);
		kfree(part);
	}
}

/**
 * klp_parts_detach() - forget about a livepatch
 * @patch:	livepatch that goes away
 */
void klp_parts_detach(struct klp_patch *patch)
{
	struct klp_part *part, *next;

	list_for_each_entry_safe(part, next, &klp_parts, node) {
		if (part->patch != patch)
			continue;
		list_del(&part->node);
		kfree(part);
	}
}

/**
 * klp_parts_of() - go over the parts of an original function
 * @func:	entry of the function in any livepatch
 * @fn:		called for each part
 * @data:	passed to @fn
 */
void klp_parts_of(struct klp_func *func,
		  void (*fn)(unsigned long start, unsigned long size,
			     void *data),
		  void *data)
{
	struct klp_part *part;

	/* Those of a nop were not looked up, but for another livepatch they were */
	list_for_each_entry(part, &klp_parts, node) {
		if (part->func->old_func == func->old_func)
			fn(part->start, part->size, data);
	}
}
