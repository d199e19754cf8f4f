// SPDX-License-Identifier: GPL-2.0-only
/*
 * cold.c - the unlikely parts of functions
 *
 * A compiler may move what is unlikely out of a function, as FUNCTION.cold.
 * Whoever sleeps there has no other address of the function on the stack.
 *
 * resolve.c finds the parts of original functions in the walk over kallsyms
 * that it makes anyway. Those of a replacement are in the symbol table of its
 * livepatch. Functions of one name are not told apart: it is better to wait for
 * a task too many than for one too few.
 */

#include <linux/kallsyms.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "cold.h"
#include "core.h"

#define KLP_COLD	".cold"

/**
 * struct klp_cold - the unlikely part of a function that livepatches replace
 * @node:	node in klp_colds
 * @patch:	livepatch that replaces the function
 * @func:	its entry for the function
 * @start:	first address of the part
 * @size:	its size
 */
struct klp_cold {
	struct list_head node;
	struct klp_patch *patch;
	struct klp_func *func;
	unsigned long start;
	unsigned long size;
};

/* Protected by klp_mutex */
static LIST_HEAD(klp_colds);

/**
 * klp_cold_split() - is a symbol an unlikely part?
 * @name:	name of the symbol
 *
 * Return: length of the name of the function that it belongs to, or 0
 */
size_t klp_cold_split(const char *name)
{
	const char *dot, *end;

	/* Most names have no dot at all */
	for (dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.')) {
		end = dot + strlen(KLP_COLD);
		/* Old compilers append a number */
		if (strstarts(dot, KLP_COLD) && (!*end || *end == '.'))
			return dot - name;
	}

	return 0;
}

/**
 * klp_cold_note() - remember an unlikely part
 * @patch:	livepatch that replaces the function
 * @func:	its entry for the function
 * @addr:	address of the part
 *
 * Return: 0, or -ENOMEM
 */
int klp_cold_note(struct klp_patch *patch, struct klp_func *func,
		  unsigned long addr)
{
	unsigned long size, offset;
	struct klp_cold *cold;

	if (!kallsyms_lookup_size_offset(addr, &size, &offset))
		return 0;

	cold = kmalloc(sizeof(*cold), GFP_KERNEL);
	if (!cold)
		return -ENOMEM;

	cold->patch = patch;
	cold->func = func;
	cold->start = addr;
	cold->size = size - offset;
	list_add(&cold->node, &klp_colds);
	return 0;
}

/**
 * klp_cold_forget() - undo klp_cold_note() for one function of a livepatch
 * @func:	its entry for the function
 */
void klp_cold_forget(struct klp_func *func)
{
	struct klp_cold *cold, *next;

	list_for_each_entry_safe(cold, next, &klp_colds, node) {
		if (cold->func != func)
			continue;
		list_del(&cold->node);
		kfree(cold);
	}
}

/**
 * klp_cold_detach() - forget about a livepatch
 * @patch:	livepatch that goes away
 */
void klp_cold_detach(struct klp_patch *patch)
{
	struct klp_cold *cold, *next;

	list_for_each_entry_safe(cold, next, &klp_colds, node) {
		if (cold->patch != patch)
			continue;
		list_del(&cold->node);
		kfree(cold);
	}
}

/**
 * klp_cold_of_original() - go over the unlikely parts of an original function
 * @func:	entry of the function in any livepatch
 * @fn:		called for each part
 * @data:	passed to @fn
 */
void klp_cold_of_original(struct klp_func *func,
			  void (*fn)(unsigned long start, unsigned long size,
				     void *data),
			  void *data)
{
	struct klp_cold *cold;

	/* That of a nop was not looked up, but it is in the way of another */
	list_for_each_entry(cold, &klp_colds, node) {
		if (cold->func->old_func == func->old_func)
			fn(cold->start, cold->size, data);
	}
}

static const char *klp_symbol_at(const struct mod_kallsyms *syms,
				 unsigned long addr)
{
	const Elf_Sym *sym;
	unsigned int i;

	for (i = 0; i < syms->num_symtab; i++) {
		sym = &syms->symtab[i];
		if (ELF_ST_TYPE(sym->st_info) == STT_FUNC &&
		    sym->st_value == addr)
			return syms->strtab + sym->st_name;
	}

	return NULL;
}

/**
 * klp_cold_of_replacement() - go over the unlikely parts of a replacement
 * @func:	its entry, not that of a nop
 * @fn:		called for each part
 * @data:	passed to @fn
 */
void klp_cold_of_replacement(struct klp_func *func,
			     void (*fn)(unsigned long start, unsigned long size,
					void *data),
			     void *data)
{
	const struct mod_kallsyms *syms;
	const char *name, *cold;
	struct module *mod;
	const Elf_Sym *sym;
	unsigned int i;

	preempt_disable();
	mod = __module_address((unsigned long)func->new_func);
	preempt_enable();
	/* It cannot go: its livepatch is enabled. Its symbols are all kept. */
	if (!mod)
		return;

	syms = &mod->core_kallsyms;
	name = klp_symbol_at(syms, (unsigned long)func->new_func);
	if (!name)
		return;

	for (i = 0; i < syms->num_symtab; i++) {
		sym = &syms->symtab[i];
		cold = syms->strtab + sym->st_name;
		if (klp_cold_split(cold) == strlen(name) &&
		    !strncmp(cold, name, strlen(name)))
			fn(sym->st_value, sym->st_size, data);
	}
}
