/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KLP_TARGET_H
#define _KLP_TARGET_H

#include <linux/seq_file.h>

extern int (*klp_target_second_twin)(struct seq_file *m, void *v);

#endif /* _KLP_TARGET_H */
