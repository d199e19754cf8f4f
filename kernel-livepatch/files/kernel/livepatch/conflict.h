/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_CONFLICT_H
#define _LIVEPATCH_CONFLICT_H

#include <linux/livepatch.h>

struct klp_claim;
struct klp_claims;
struct klp_grant;

int klp_admit_patch(struct klp_patch *patch);
int klp_admit_module(struct module *mod);
int klp_check_conflicts(struct klp_patch *patch, const struct klp_grant *grant);
bool klp_claim_is_dropped(const struct klp_claim *claim,
			  const struct klp_patch *patch);
int klp_check_takeover(const struct klp_claims *claims,
		       const struct klp_patch *patch,
		       const struct klp_grant *grant);
void klp_report_ftrace_clash(const struct klp_func *func, int err);

#endif /* _LIVEPATCH_CONFLICT_H */
