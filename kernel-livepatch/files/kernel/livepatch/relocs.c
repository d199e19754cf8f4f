// SPDX-License-Identifier: GPL-2.0-only
/*
 * relocs.c - let a module come back that a livepatch has relocations against
 *
 * When the module comes for the second time the places that refer to it still
 * hold the addresses that it had the first time, or some of them do when it
 * failed to come half way. x86 takes any value but zero there for a broken
 * livepatch and refuses the module. So wipe them before they are written again.
 * Other architectures overwrite what they find. Linux 6.3 wipes them itself,
 * when the module goes.
 */

#include <linux/elf.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <asm/text-patching.h>
#include "relocs.h"

static size_t klp_reloc_size(const Elf_Rela *rela)
{
	switch (ELF_R_TYPE(rela->r_info)) {
	case R_X86_64_64:
	case R_X86_64_PC64:
		return 8;
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		return 4;
	default:
		/* The module loader writes nothing there, or reports it */
		return 0;
	}
}

/**
 * klp_clear_relocs() - wipe the places that relocations are about to be written
 * @pmod:	livepatch; what it does to the module that is coming is not yet
 *		in use
 * @secndx:	relocation section that refers to that module
 */
void klp_clear_relocs(struct module *pmod, unsigned int secndx)
{
	const Elf_Shdr *sechdrs = pmod->klp_info->sechdrs;
	const Elf_Shdr *section = &sechdrs[secndx];
	const Elf_Rela *rela = (Elf_Rela *)section->sh_addr;
	const Elf_Rela *end = rela + section->sh_size / sizeof(*rela);
	void *base = (void *)sechdrs[section->sh_info].sh_addr;
	static const u8 zeros[8];
	bool cleared = false;
	size_t size;

	mutex_lock(&text_mutex);
	for (; rela < end; rela++) {
		size = klp_reloc_size(rela);
		if (!memcmp(base + rela->r_offset, zeros, size))
			continue;
		text_poke(base + rela->r_offset, zeros, size);
		cleared = true;
	}
	if (cleared)
		text_poke_sync();
	mutex_unlock(&text_mutex);
}
