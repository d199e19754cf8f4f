/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_REPORT_H
#define _LIVEPATCH_REPORT_H

#include <linux/kobject.h>

extern const struct attribute_group klp_report_group;

int klp_lock_for_sysfs(void);
int klp_report_init(struct kobject *klp_root_kobj);

#endif /* _LIVEPATCH_REPORT_H */
