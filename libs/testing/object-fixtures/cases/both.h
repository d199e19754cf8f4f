/* SPDX-License-Identifier: GPL-2.0 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

int both_step(void);
