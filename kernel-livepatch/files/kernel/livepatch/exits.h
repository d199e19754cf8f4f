/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_EXITS_H
#define _LIVEPATCH_EXITS_H

#include <linux/types.h>

bool klp_exits_over(unsigned int *over);
int klp_exits_of_cpu(int cpu);
int klp_exits_elsewhere(void);

#endif /* _LIVEPATCH_EXITS_H */
