// SPDX-License-Identifier: GPL-2.0-only
/*
 * takeover.c - say what a livepatch drops that replaces all others
 *
 * Such a livepatch does not conflict. But a function that only the replaced
 * ones have changed runs its original code again.
 */

/*
 * Not "livepatch: ", and no names of livepatches or objects: the selftests in
 * tools/testing/selftests/livepatch compare all lines with those word by word.
 */
#define pr_fmt(fmt) "klp: " fmt

#include <linux/livepatch.h>
#include <linux/printk.h>
#include "claims.h"
#include "conflict.h"
#include "core.h"

static unsigned int klp_stack_order(const struct klp_patch *patch)
{
	struct klp_patch *other;
	unsigned int order = 0;

	klp_for_each_patch(other) {
		order++;
		if (other == patch)
			return order;
	}

	return order + 1;
}

/**
 * klp_report_takeover() - log which functions are dropped
 * @patch:	livepatch with the replace flag, being loaded, resolved
 */
void klp_report_takeover(struct klp_patch *patch)
{
	unsigned int taken = 0, dropped = 0;
	struct klp_claims claims;
	struct klp_claim *claim;
	unsigned int i;

	/* It is but a report: short memory is no reason to fail */
	if (klp_claims_get(&claims, patch, NULL))
		return;

	for (i = 0; i < claims.nr; i++) {
		claim = &claims.claims[i];
		if (claim->above)
			continue;
		if (claim->patch == patch) {
			taken += claim->below ? 1 : 0;
			continue;
		}
		dropped++;
		pr_notice("takeover drops function '%s,%lu' of the livepatch at stack order %u\n",
			  claim->func->old_name, klp_func_pos(claim->func),
			  klp_stack_order(claim->patch));
	}

	if (taken || dropped)
		pr_notice("takeover of %u functions, %u dropped\n", taken,
			  dropped);
	klp_claims_put(&claims);
}
