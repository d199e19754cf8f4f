// SPDX-License-Identifier: GPL-2.0-only
/*
 * takeover.c - what a livepatch drops that replaces all others
 *
 * Such a livepatch does not conflict. But a function that only the replaced
 * ones have changed runs its original code again. Stock user space expects that
 * nobody is asked about that, so it is only said; where replace_needs_grant is
 * set, a grant must name those whose functions are dropped.
 */

/*
 * Not "livepatch: ", and no names of livepatches or objects: the selftests in
 * tools/testing/selftests/livepatch compare all lines with those word by word.
 */
#define pr_fmt(fmt) "klp: " fmt

#include <linux/livepatch.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include "claims.h"
#include "conflict.h"
#include "core.h"
#include "grant.h"

static bool replace_needs_grant;
module_param(replace_needs_grant, bool, 0644);
MODULE_PARM_DESC(replace_needs_grant,
		 "a livepatch that replaces others needs a grant to drop functions of theirs");

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
 * klp_claim_is_dropped() - does a function go back to its original code?
 * @claim:	a claim
 * @patch:	livepatch that replaces all others, on top
 *
 * States are no matter of this: core.c refuses to replace one by none.
 *
 * Return: true for the topmost claim of each such function
 */
bool klp_claim_is_dropped(const struct klp_claim *claim,
			  const struct klp_patch *patch)
{
	return !claim->above && claim->patch != patch && !claim->nop &&
	       !klp_claim_is_state(claim);
}

static bool klp_drop_is_granted(const struct klp_claim *claim,
				const struct klp_grant *grant)
{
	for (; claim; claim = claim->below) {
		if (!claim->nop && !klp_grant_names(grant, claim->patch->mod))
			return false;
	}

	return true;
}

static void klp_report_takeover(const struct klp_claims *claims,
				const struct klp_patch *patch)
{
	const struct klp_claim *claim, *first = NULL;
	unsigned int i, taken = 0, dropped = 0;

	for (i = 0; i < claims->nr; i++) {
		claim = &claims->claims[i];
		if (!claim->above && claim->patch == patch && claim->below &&
		    !klp_claim_is_state(claim))
			taken++;
		if (!klp_claim_is_dropped(claim, patch))
			continue;
		if (!first)
			first = claim;
		dropped++;
	}

	if (dropped)
		pr_notice("takeover of %u functions, %u dropped, such as '%s,%lu' of the livepatch at stack order %u\n",
			  taken, dropped, first->name, first->pos,
			  klp_stack_order(first->patch));
	else if (taken)
		pr_notice("takeover of %u functions, 0 dropped\n", taken);
}

/**
 * klp_check_takeover() - does a livepatch drop functions without leave?
 * @claims:	who claims which functions
 * @patch:	livepatch with the replace flag, being loaded, on top of @claims
 * @grant:	livepatches whose functions it may drop, NULL for none
 *
 * Logs what is dropped.
 *
 * Return: 0; -ENOTUNIQ when replace_needs_grant is set and a grant is missing
 */
int klp_check_takeover(const struct klp_claims *claims,
		       const struct klp_patch *patch,
		       const struct klp_grant *grant)
{
	const struct klp_claim *claim;
	unsigned int i;

	klp_report_takeover(claims, patch);
	if (!replace_needs_grant)
		return 0;

	for (i = 0; i < claims->nr; i++) {
		claim = &claims->claims[i];
		if (!klp_claim_is_dropped(claim, patch) ||
		    klp_drop_is_granted(claim, grant))
			continue;
		pr_err("'%s' needs a grant to drop functions, such as '%s,%lu' of object '%s'\n",
		       patch->mod->name, claim->name, claim->pos,
		       claim->object);
		return -ENOTUNIQ;
	}

	return 0;
}
