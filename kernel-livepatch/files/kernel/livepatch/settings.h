/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_SETTINGS_H
#define _LIVEPATCH_SETTINGS_H

#include <linux/kobject.h>
#include <linux/livepatch.h>
#include "consistency.h"

/**
 * struct klp_settings - how a livepatch is switched
 * @node:	node in the list of all settings
 * @mod:	module of the livepatch
 * @mode:	mode of its next transition
 * @attempts:	after so many a system-wide transition is reversed
 * @timeout_ms:	after so long a system-wide transition is reversed
 */
struct klp_settings {
	struct list_head node;
	const struct module *mod;
	enum klp_consistency mode;
	unsigned int attempts;
	unsigned int timeout_ms;
};

extern const struct attribute_group klp_settings_group;

int klp_settings_attach(struct klp_patch *patch);
const struct klp_settings *klp_settings_of(const struct klp_patch *patch);
void klp_settings_forget(const struct module *mod);
int klp_settings_init(struct kobject *klp_root_kobj);

#endif /* _LIVEPATCH_SETTINGS_H */
