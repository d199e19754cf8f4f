// SPDX-License-Identifier: GPL-2.0-only
/*
 * resolve.c - look up all symbols of a livepatch in one pass over kallsyms
 *
 * core.c walks all of kallsyms for every function and every klp relocation.
 * Here one walk answers them all, see walk.c. The answers go where core.c would
 * put them itself: into func->old_func and into the symbol table of the
 * livepatch. A symbol that has no exact answer is left at zero there: core.c then
 * looks it up on its own, and reports what is wrong with it.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/elf.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/string.h>
#include "core.h"
#include "resolve.h"
#include "walk.h"

#define KLP_SYM_PREFIX	".klp.sym."
#define KLP_RELA_VMLINUX_PREFIX	".klp.rela.vmlinux."

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

		/* What the file says is never an answer */
		if (klp_str_is_vmlinux(&object) == of_vmlinux)
			klp_want(walk, object, name, pos,
				 (unsigned long *)&syms[i].st_value);
		else if (of_vmlinux)
			syms[i].st_value = 0;
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
