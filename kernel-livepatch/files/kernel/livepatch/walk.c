// SPDX-License-Identifier: GPL-2.0-only
/*
 * walk.c - find many symbols in one walk over kallsyms
 *
 * The wanted symbols are collected in a hash table, and one walk answers them
 * all. It also finds the parts of functions that are elsewhere, see parts.c.
 * They may bear another name of their function than the one that the livepatch
 * knows. So a second walk looks for other names; what has some, which is rare,
 * needs a third one.
 */

#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include "core.h"
#include "parts.h"
#include "walk.h"

/**
 * struct klp_alias - another name of a function that was looked up
 * @node:	node in the list of a walk
 * @function:	the function
 * @name:	the name
 */
struct klp_alias {
	struct list_head node;
	const struct klp_wanted *function;
	char name[];
};

static bool klp_str_equal(const struct klp_str *str, const char *other,
			  size_t len)
{
	return str->len == len && !memcmp(str->start, other, len);
}

/**
 * klp_str_is_vmlinux() - is this the object that is no module?
 * @str:	name of the object
 */
bool klp_str_is_vmlinux(const struct klp_str *str)
{
	return klp_str_equal(str, "vmlinux", strlen("vmlinux"));
}

/**
 * klp_want() - ask for a symbol
 * @walk:	walk that shall find it
 * @object:	object that has the symbol
 * @name:	name of the symbol
 * @pos:	position among symbols of that name, 0 when it must be unique
 * @answer:	where the address goes, NULL when only parts are looked for
 */
void klp_want(struct klp_walk *walk, struct klp_str object,
	      struct klp_str name, unsigned long pos, unsigned long *answer)
{
	struct klp_wanted *wanted;

	if (answer)
		*answer = 0;
	if (walk->wanted) {
		wanted = &walk->wanted[walk->nr];
		wanted->object = object;
		wanted->name = name;
		wanted->hash = full_name_hash(NULL, name.start, name.len);
		wanted->pos = pos;
		wanted->answer = answer;
	}
	walk->nr++;

	if (klp_str_is_vmlinux(&object))
		walk->in_vmlinux = true;
	else
		walk->in_modules = true;
}

/* Symbols of that name and object, one after the other */
static struct klp_wanted *klp_walk_next(struct klp_walk *walk,
					struct klp_wanted *last,
					const struct klp_str *name,
					const char *object)
{
	unsigned int hash = full_name_hash(NULL, name->start, name->len);
	struct klp_wanted *wanted;

	if (last)
		wanted = hlist_entry_safe(last->node.next, struct klp_wanted,
					  node);
	else
		wanted = hlist_entry_safe(walk->heads[hash_32(hash, walk->bits)].first,
					  struct klp_wanted, node);

	hlist_for_each_entry_from(wanted, node) {
		if (wanted->hash == hash &&
		    klp_str_equal(&wanted->name, name->start, name->len) &&
		    klp_str_equal(&wanted->object, object, strlen(object)))
			break;
	}

	return wanted;
}

static int klp_walk_part(struct klp_walk *walk, const struct klp_str *function,
			 const char *object, unsigned long addr)
{
	struct klp_wanted *wanted = NULL;

	while ((wanted = klp_walk_next(walk, wanted, function, object))) {
		if (!wanted->func)
			continue;
		walk->ret = klp_part_note(wanted->patch, wanted->func, addr);
		if (walk->ret)
			return walk->ret;
	}

	return 0;
}

static int klp_walk_symbol(void *data, const char *name, struct module *mod,
			   unsigned long addr)
{
	const char *object = mod ? mod->name : "vmlinux";
	struct klp_str whole = { name, strlen(name) };
	struct klp_str function = { name, klp_part_base_len(name) };
	struct klp_wanted *wanted = NULL;
	struct klp_walk *walk = data;

	while ((wanted = klp_walk_next(walk, wanted, &whole, object))) {
		wanted->count++;
		if (!wanted->pos || wanted->count == wanted->pos)
			wanted->addr = addr;
	}

	if (function.len == whole.len)
		return 0;
	return klp_walk_part(walk, &function, object, addr);
}

/* Looks only at functions, which klp_walk_aliases() has hashed by address */
static int klp_walk_alias(void *data, const char *name, struct module *mod,
			  unsigned long addr)
{
	struct klp_walk *walk = data;
	struct klp_wanted *wanted;
	struct klp_alias *alias;
	size_t len;

	hlist_for_each_entry(wanted, &walk->heads[hash_long(addr, walk->bits)],
			     node) {
		len = strlen(name);
		if (wanted->addr != addr ||
		    klp_str_equal(&wanted->name, name, len))
			continue;

		alias = kmalloc(struct_size(alias, name, len + 1), GFP_KERNEL);
		if (!alias) {
			walk->ret = -ENOMEM;
			return walk->ret;
		}
		alias->function = wanted;
		memcpy(alias->name, name, len + 1);
		list_add(&alias->node, &walk->aliases);
	}

	return 0;
}

static void klp_walk_symbols(struct klp_walk *walk,
			     int (*fn)(void *data, const char *name,
				       struct module *mod, unsigned long addr))
{
	if (walk->in_vmlinux)
		kallsyms_on_each_symbol(fn, walk);
	if (walk->in_modules && !walk->ret)
		module_kallsyms_on_each_symbol(fn, walk);
}

static int klp_walk_alloc(struct klp_walk *walk)
{
	/* hash_32() needs one bit at least */
	walk->bits = order_base_2(walk->nr) ?: 1;

	walk->wanted = kvcalloc(walk->nr, sizeof(*walk->wanted), GFP_KERNEL);
	walk->heads = kvcalloc(1UL << walk->bits, sizeof(*walk->heads),
			       GFP_KERNEL);
	if (walk->wanted && walk->heads)
		return 0;

	kvfree(walk->wanted);
	kvfree(walk->heads);
	return -ENOMEM;
}

static void klp_walk_answer(struct klp_walk *walk)
{
	struct klp_wanted *wanted;
	unsigned int i;

	for (i = 0; i < walk->nr; i++) {
		wanted = &walk->wanted[i];
		if (wanted->answer && (wanted->pos || wanted->count == 1))
			*wanted->answer = wanted->addr;
	}
}

static int klp_walk_once(void (*collect)(struct klp_walk *walk, void *data),
			 void *data, int (*then)(struct klp_walk *walk))
{
	struct klp_walk walk = { .aliases = LIST_HEAD_INIT(walk.aliases) };
	struct klp_wanted *wanted;
	unsigned int i;
	int ret;

	collect(&walk, data);
	if (!walk.nr)
		return 0;

	ret = klp_walk_alloc(&walk);
	if (ret)
		return ret;

	walk.nr = 0;
	collect(&walk, data);
	for (i = 0; i < walk.nr; i++) {
		wanted = &walk.wanted[i];
		hlist_add_head(&wanted->node,
			       &walk.heads[hash_32(wanted->hash, walk.bits)]);
	}

	klp_walk_symbols(&walk, klp_walk_symbol);
	klp_walk_answer(&walk);
	if (then && !walk.ret)
		walk.ret = then(&walk);

	kvfree(walk.heads);
	kvfree(walk.wanted);
	return walk.ret;
}

/* Look for the parts that bear @name of a function */
static void klp_want_parts(struct klp_walk *walk, struct klp_patch *patch,
			   struct klp_func *func, struct klp_str object,
			   const char *name)
{
	struct klp_str base = { name, klp_part_base_len(name) };

	klp_want(walk, object, base, 0, NULL);
	if (walk->wanted) {
		walk->wanted[walk->nr - 1].patch = patch;
		walk->wanted[walk->nr - 1].func = func;
	}
}

static void klp_collect_aliases(struct klp_walk *walk, void *data)
{
	struct list_head *aliases = data;
	struct klp_alias *alias;

	list_for_each_entry(alias, aliases, node)
		klp_want_parts(walk, alias->function->patch,
			       alias->function->func, alias->function->object,
			       alias->name);
}

/* Look for the parts that bear another name of a function that was found */
static int klp_walk_aliases(struct klp_walk *walk)
{
	struct klp_alias *alias, *next;
	struct klp_wanted *wanted;
	unsigned int i, nr = 0;

	memset(walk->heads, 0, sizeof(*walk->heads) << walk->bits);
	for (i = 0; i < walk->nr; i++) {
		wanted = &walk->wanted[i];
		if (!wanted->func || !wanted->answer || !*wanted->answer)
			continue;
		hlist_add_head(&wanted->node,
			       &walk->heads[hash_long(wanted->addr,
						      walk->bits)]);
		nr++;
	}
	if (!nr)
		return 0;

	klp_walk_symbols(walk, klp_walk_alias);
	if (!walk->ret)
		walk->ret = klp_walk_once(klp_collect_aliases, &walk->aliases,
					  NULL);

	list_for_each_entry_safe(alias, next, &walk->aliases, node)
		kfree(alias);
	return walk->ret;
}

/**
 * klp_want_func() - ask for a function that a livepatch replaces, and its parts
 * @walk:	walk that shall find it
 * @patch:	the livepatch
 * @obj:	object that has the function
 * @func:	its entry for the function, gets the address
 */
void klp_want_func(struct klp_walk *walk, struct klp_patch *patch,
		   struct klp_object *obj, struct klp_func *func)
{
	const char *object = obj->name ? obj->name : "vmlinux";
	struct klp_str object_str = { object, strlen(object) };
	struct klp_str name_str;

	if (!func->old_name)
		return;

	name_str.start = func->old_name;
	name_str.len = strlen(func->old_name);
	klp_want(walk, object_str, name_str, func->old_sympos,
		 (unsigned long *)&func->old_func);
	/* What is noted for a nop would outlive it */
	if (func->nop)
		return;

	klp_parts_forget(func);
	if (walk->wanted) {
		walk->wanted[walk->nr - 1].patch = patch;
		walk->wanted[walk->nr - 1].func = func;
	}
	if (klp_part_base_len(func->old_name) != name_str.len)
		klp_want_parts(walk, patch, func, object_str, func->old_name);
}

/**
 * klp_walk_run() - look for symbols
 * @collect:	calls klp_want() and klp_want_func() for all of them. It is called
 *		twice: the first time only to clear the old answers and to count
 * @data:	passed to @collect
 *
 * Return: 0, or -ENOMEM
 */
int klp_walk_run(void (*collect)(struct klp_walk *walk, void *data),
		 void *data)
{
	return klp_walk_once(collect, data, klp_walk_aliases);
}
