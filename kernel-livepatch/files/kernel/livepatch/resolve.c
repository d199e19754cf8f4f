// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve.c - look up all symbols of a livepatch in one pass over kallsyms
 *
 * core.c walks all of kallsyms for every function and every klp relocation.
 * Here the wanted symbols are collected in a hash table first, and one walk
 * answers them all. The answers go where core.c would put them itself: into
 * func->old_func and into the symbol table of the livepatch. A symbol that has
 * no exact answer is left at zero there: core.c then looks it up on its own,
 * and reports what is wrong with it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/elf.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include "cold.h"
#include "core.h"
#include "resolve.h"

#define KLP_SYM_PREFIX	".klp.sym."
#define KLP_RELA_VMLINUX_PREFIX	".klp.rela.vmlinux."

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
 * @answer:	where the address goes
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
 * @ret:	0, or -ENOMEM
 */
struct klp_walk {
	struct klp_wanted *wanted;
	unsigned int nr;
	struct hlist_head *heads;
	unsigned int bits;
	bool in_vmlinux;
	bool in_modules;
	int ret;
};

static bool klp_str_equal(const struct klp_str *str, const char *other,
			  size_t len)
{
	return str->len == len && !memcmp(str->start, other, len);
}

static bool klp_str_is_vmlinux(const struct klp_str *str)
{
	return klp_str_equal(str, "vmlinux", strlen("vmlinux"));
}

static void klp_want(struct klp_walk *walk, struct klp_str object,
		     struct klp_str name, unsigned long pos,
		     unsigned long *answer)
{
	struct klp_wanted *wanted;

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

static int klp_walk_cold(struct klp_walk *walk, const struct klp_str *function,
			 const char *object, unsigned long addr)
{
	struct klp_wanted *wanted = NULL;

	while ((wanted = klp_walk_next(walk, wanted, function, object))) {
		if (!wanted->func)
			continue;
		walk->ret = klp_cold_note(wanted->patch, wanted->func, addr);
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
	struct klp_str function = { name, klp_cold_split(name) };
	struct klp_wanted *wanted = NULL;
	struct klp_walk *walk = data;

	while ((wanted = klp_walk_next(walk, wanted, &whole, object))) {
		wanted->count++;
		if (!wanted->pos || wanted->count == wanted->pos)
			wanted->addr = addr;
	}

	return function.len ? klp_walk_cold(walk, &function, object, addr) : 0;
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

/*
 * @collect calls klp_want() for every symbol. It runs twice: the first time
 * only to clear the old answers and to count.
 */
static int klp_walk_run(void (*collect)(struct klp_walk *walk, void *data),
			void *data)
{
	struct klp_walk walk = {};
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

	if (walk.in_vmlinux)
		kallsyms_on_each_symbol(klp_walk_symbol, &walk);
	if (walk.in_modules && !walk.ret)
		module_kallsyms_on_each_symbol(klp_walk_symbol, &walk);

	for (i = 0; i < walk.nr; i++) {
		wanted = &walk.wanted[i];
		if (wanted->pos || wanted->count == 1)
			*wanted->answer = wanted->addr;
	}

	kvfree(walk.heads);
	kvfree(walk.wanted);
	return walk.ret;
}

static void klp_want_func(struct klp_walk *walk, struct klp_patch *patch,
			  struct klp_object *obj, struct klp_func *func)
{
	const char *object = obj->name ? obj->name : "vmlinux";
	struct klp_str object_str = { object, strlen(object) };
	struct klp_str name_str;

	if (!func->old_name)
		return;

	name_str.start = func->old_name;
	name_str.len = strlen(func->old_name);
	klp_cold_forget(func);
	klp_want(walk, object_str, name_str, func->old_sympos,
		 (unsigned long *)&func->old_func);
	if (walk->wanted) {
		walk->wanted[walk->nr - 1].patch = patch;
		walk->wanted[walk->nr - 1].func = func;
	}
}

/* Take ".klp.sym.OBJECT.NAME,POS" to pieces */
static bool klp_parse_sym(const char *sym, struct klp_str *object,
			  struct klp_str *name, unsigned long *pos)
{
	const char *dot, *comma;

	if (!strstarts(sym, KLP_SYM_PREFIX))
		return false;

	object->start = sym + strlen(KLP_SYM_PREFIX);
	dot = strchr(object->start, '.');
	if (!dot)
		return false;
	object->len = dot - object->start;

	name->start = dot + 1;
	comma = strchr(name->start, ',');
	if (!comma)
		return false;
	name->len = comma - name->start;

	return !kstrtoul(comma + 1, 10, pos);
}

static void klp_want_syms(struct klp_walk *walk, Elf_Sym *syms,
			  unsigned int nr_syms, const char *strtab,
			  bool of_vmlinux)
{
	struct klp_str object, name;
	unsigned long pos;
	unsigned int i;

	BUILD_BUG_ON(sizeof(syms->st_value) != sizeof(unsigned long));

	for (i = 1; i < nr_syms; i++) {
		if (syms[i].st_shndx != SHN_LIVEPATCH)
			continue;

		if (!klp_parse_sym(strtab + syms[i].st_name, &object, &name,
				   &pos)) {
			/* core.c reports it */
			syms[i].st_value = 0;
			continue;
		}

		if (klp_str_is_vmlinux(&object) == of_vmlinux)
			klp_want(walk, object, name, pos,
				 (unsigned long *)&syms[i].st_value);
	}
}

/* Symbols that relocations against modules refer to */
static void klp_want_module_syms(struct klp_walk *walk, struct klp_patch *patch)
{
	struct klp_modinfo *info = patch->mod->klp_info;

	klp_want_syms(walk, (Elf_Sym *)info->sechdrs[info->symndx].sh_addr,
		      patch->mod->core_kallsyms.num_symtab,
		      patch->mod->core_kallsyms.strtab, false);
}

/* The same test as in klp_find_object_module() */
static bool klp_object_is_live(struct klp_object *obj)
{
	struct module *mod;
	bool live;

	if (!obj->name)
		return true;

	rcu_read_lock_sched();
	mod = find_module(obj->name);
	live = mod && mod->klp_alive;
	rcu_read_unlock_sched();

	return live;
}

static void klp_collect_patch(struct klp_walk *walk, void *data)
{
	struct klp_patch *patch = data;
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_object(patch, obj) {
		if (klp_object_is_live(obj)) {
			klp_for_each_func(obj, func)
				klp_want_func(walk, patch, obj, func);
		} else {
			klp_for_each_func(obj, func)
				func->old_func = NULL;
		}
	}

	klp_want_module_syms(walk, patch);
}

/**
 * klp_resolve_patch() - look up what a new livepatch refers to
 * @patch:	patch that is being loaded, not yet on klp_patches
 *
 * Sets func->old_func of all functions in loaded objects, and the symbols of
 * relocations against modules.
 *
 * Return: 0, or -ENOMEM
 */
int klp_resolve_patch(struct klp_patch *patch)
{
	lockdep_assert_held(&klp_mutex);

	return klp_walk_run(klp_collect_patch, patch);
}

static void klp_collect_module(struct klp_walk *walk, void *data)
{
	struct module *mod = data;
	struct klp_patch *patch;
	struct klp_object *obj;
	struct klp_func *func;

	klp_for_each_patch(patch) {
		klp_for_each_object(patch, obj) {
			if (!obj->name || strcmp(obj->name, mod->name))
				continue;

			klp_for_each_func(obj, func)
				klp_want_func(walk, patch, obj, func);
			klp_want_module_syms(walk, patch);
			break;
		}
	}
}

/**
 * klp_resolve_module() - look up what all livepatches want from a module
 * @mod:	module that is being loaded
 *
 * Return: 0, or -ENOMEM
 */
int klp_resolve_module(struct module *mod)
{
	lockdep_assert_held(&klp_mutex);

	return klp_walk_run(klp_collect_module, mod);
}

struct klp_load_syms {
	Elf_Sym *syms;
	unsigned int nr_syms;
	const char *strtab;
};

static void klp_collect_load(struct klp_walk *walk, void *data)
{
	struct klp_load_syms *load = data;

	klp_want_syms(walk, load->syms, load->nr_syms, load->strtab, true);
}

/*
 * The module loader asks section by section. Neighbours are nearly always of
 * the same kind, so that this looks at few sections.
 */
static bool klp_is_first_vmlinux_section(Elf_Shdr *sechdrs,
					 const char *shstrtab,
					 unsigned int secndx)
{
	while (--secndx) {
		if ((sechdrs[secndx].sh_flags & SHF_RELA_LIVEPATCH) &&
		    strstarts(shstrtab + sechdrs[secndx].sh_name,
			      KLP_RELA_VMLINUX_PREFIX))
			return false;
	}

	return true;
}

/**
 * klp_resolve_vmlinux_syms() - look up the vmlinux symbols of all relocations
 * @sechdrs:	section headers of the livepatch that is being loaded
 * @shstrtab:	section names
 * @strtab:	symbol names
 * @symndx:	section of the symbol table
 * @secndx:	relocation section that is about to be applied
 *
 * Called for each relocation section, does its work for the first one. When
 * memory is short it does nothing: core.c looks up the symbols one by one.
 */
void klp_resolve_vmlinux_syms(Elf_Shdr *sechdrs, const char *shstrtab,
			      const char *strtab, unsigned int symndx,
			      unsigned int secndx)
{
	struct klp_load_syms load = {
		.syms = (Elf_Sym *)sechdrs[symndx].sh_addr,
		.nr_syms = sechdrs[symndx].sh_size / sizeof(Elf_Sym),
		.strtab = strtab,
	};

	if (klp_is_first_vmlinux_section(sechdrs, shstrtab, secndx))
		klp_walk_run(klp_collect_load, &load);
}
