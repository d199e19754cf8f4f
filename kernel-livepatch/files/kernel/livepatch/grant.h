/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_GRANT_H
#define _LIVEPATCH_GRANT_H

#include <linux/livepatch.h>
#include <linux/seq_buf.h>

struct klp_grant;

int klp_grant_add(const char *buf, size_t count);
struct klp_grant *klp_grant_take(const char *patch_name);
void klp_grant_free(struct klp_grant *grant);
bool klp_grant_names(const struct klp_grant *grant,
		     const struct module *victim);
void klp_grant_attach(struct klp_grant *grant, struct klp_patch *patch);
void klp_grant_detach(struct klp_patch *patch);
const struct klp_grant *klp_grant_of(const struct klp_patch *patch);
void klp_grant_print(const struct klp_grant *grant, struct seq_buf *text);

#endif /* _LIVEPATCH_GRANT_H */
