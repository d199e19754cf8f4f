// SPDX-License-Identifier: GPL-2.0-only
/* klp_target_twin.c - a second function of the same name in one module */

#include <linux/seq_file.h>
#include "klp_target.h"

static int klp_target_twin(struct seq_file *m, void *v)
{
	seq_puts(m, "original two\n");
	return 0;
}

int (*klp_target_second_twin)(struct seq_file *m, void *v) = klp_target_twin;
