/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_RELOCS_H
#define _LIVEPATCH_RELOCS_H

#include <linux/module.h>

#ifdef CONFIG_X86_64
void klp_clear_relocs(struct module *pmod, unsigned int secndx);
#else
static inline void klp_clear_relocs(struct module *pmod, unsigned int secndx) {}
#endif

#endif /* _LIVEPATCH_RELOCS_H */
