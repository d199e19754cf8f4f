/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_WALK_H
#define _LIVEPATCH_WALK_H

#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/types.h>

/* Part of a string; symbol names in ELF string tables carry more than a name */
struct klp_str {
	const char *start;
	size_t len;
};

/**
 * struct klp_wanted - one symbol to be looked up
 * @node:	node in the hash table of the walk
 * @object:	object that has the symbol, "vmlinux" or the name of a module
 * @name:	name of the symbol
 * @hash:	hash of @name
 * @pos:	position among symbols of that name, 0 when it must be unique
 * @count:	symbols of that name seen so far
 * @addr:	address of the symbol at @pos, 0 as long as it was not seen
 * @answer:	where the address goes, NULL when only parts are looked for
 * @patch:	livepatch that replaces the function, NULL for other symbols
 * @func:	its entry for the function
 */
struct klp_wanted {
	struct hlist_node node;
	struct klp_str object;
	struct klp_str name;
	unsigned int hash;
	unsigned long pos;
	unsigned long count;
	unsigned long addr;
	unsigned long *answer;
	struct klp_patch *patch;
	struct klp_func *func;
};

/**
 * struct klp_walk - symbols to be found in one walk over kallsyms
 * @wanted:	the symbols, NULL while they are only counted
 * @nr:		number of symbols
 * @heads:	hash table of @wanted by name
 * @bits:	log2 of the size of @heads
 * @in_vmlinux:	some of the symbols are in vmlinux
 * @in_modules:	some of the symbols are in modules
 * @aliases:	other names of functions
 * @ret:	0, or -ENOMEM
 */
struct klp_walk {
	struct klp_wanted *wanted;
	unsigned int nr;
	struct hlist_head *heads;
	unsigned int bits;
	bool in_vmlinux;
	bool in_modules;
	struct list_head aliases;
	int ret;
};

bool klp_str_is_vmlinux(const struct klp_str *str);
void klp_want(struct klp_walk *walk, struct klp_str object,
	      struct klp_str name, unsigned long pos, unsigned long *answer);
void klp_want_func(struct klp_walk *walk, struct klp_patch *patch,
		   struct klp_object *obj, struct klp_func *func);
int klp_walk_run(void (*collect)(struct klp_walk *walk, void *data),
		 void *data);

#endif /* _LIVEPATCH_WALK_H */
