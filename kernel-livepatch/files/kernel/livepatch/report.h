/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_REPORT_H
#define _LIVEPATCH_REPORT_H

#include <linux/kobject.h>
#include <linux/livepatch.h>

struct dentry;
struct klp_claims;

extern struct dentry *klp_debugfs;
extern const struct attribute_group klp_report_group;

int klp_lock_for_sysfs(void);
void klp_report_load(const struct klp_claims *claims,
		     const struct klp_patch *patch);
int klp_report_init(struct kobject *klp_root_kobj);

#endif /* _LIVEPATCH_REPORT_H */
