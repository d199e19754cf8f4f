/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_RESOLVE_H
#define _LIVEPATCH_RESOLVE_H

#include <linux/livepatch.h>

int klp_resolve_patch(struct klp_patch *patch);
int klp_resolve_module(struct module *mod);
void klp_resolve_vmlinux_syms(Elf_Shdr *sechdrs, const char *shstrtab,
			      const char *strtab, unsigned int symndx,
			      unsigned int secndx);

#endif /* _LIVEPATCH_RESOLVE_H */
