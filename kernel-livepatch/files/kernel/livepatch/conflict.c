// SPDX-License-Identifier: GPL-2.0-only
/*
 * conflict.c - refuse livepatches that silently shadow each other
 *
 * Two livepatches that change the same function conflict: the one loaded last
 * wins, and what runs depends on the order of the loads. So do two that modify
 * the same system state: when one goes it restores what the other relies on.
 * Such a load fails with -ENOTUNIQ, before it has any effect, unless a grant
 * names every livepatch that it shadows. Nothing else in the core gives that
 * error.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/livepatch.h>
#include <linux/printk.h>
#include "claims.h"
#include "conflict.h"
#include "core.h"
#include "grant.h"
#include "report.h"
#include "resolve.h"
#include "transition.h"

/**
 * struct klp_findings - conflicts of one kind
 * @granted:	a grant covers them
 * @nr:		their number
 * @upper:	the first one: the claim above
 * @lower:	the claim below
 */
struct klp_findings {
	bool granted;
	unsigned int nr;
	const struct klp_claim *upper;
	const struct klp_claim *lower;
};

/* One line, however many there are; report.c lists them all */
static void klp_report_findings(const struct klp_findings *found)
{
	const struct klp_claim *upper = found->upper, *lower = found->lower;
	char more[64] = "";

	if (!found->nr)
		return;

	if (found->nr > 1)
		snprintf(more, sizeof(more), ", and %u more", found->nr - 1);

	if (found->granted)
		pr_notice("override: '%s' shadows function '%s,%lu' of object '%s', owned by '%s' as '%s,%lu'%s\n",
			  upper->patch->mod->name, upper->name, upper->pos,
			  upper->object, lower->patch->mod->name, lower->name,
			  lower->pos, more);
	else
		pr_err("conflict: '%s' changes function '%s,%lu' of object '%s', owned by '%s' as '%s,%lu'%s\n",
		       upper->patch->mod->name, upper->name, upper->pos,
		       upper->object, lower->patch->mod->name, lower->name,
		       lower->pos, more);
}

/*
 * Which of the two would run depends on how far the transition is. The nops of
 * a livepatch are for what it does not change under the name that others use.
 */
static bool klp_claimed_twice(const struct klp_claim *upper)
{
	const struct klp_claim *lower;

	if (upper->nop || klp_claim_is_state(upper))
		return false;

	for (lower = upper->below; lower; lower = lower->below) {
		if (lower->patch != upper->patch || lower->nop)
			continue;
		pr_err("'%s' changes function '%s,%lu' of object '%s' twice, also as '%s,%lu'\n",
		       upper->patch->mod->name, upper->name, upper->pos,
		       upper->object, lower->name, lower->pos);
		return true;
	}

	return false;
}

/* Adds the conflicts of @upper that @grant covers, or does not */
static void klp_find_conflicts(const struct klp_claim *upper,
			       const struct klp_grant *grant,
			       struct klp_findings *found)
{
	const struct klp_claim *lower;

	for (lower = upper->below; lower; lower = lower->below) {
		if (lower->patch == upper->patch || lower->nop)
			continue;
		if (klp_grant_names(grant, lower->patch->mod) != found->granted)
			continue;
		if (!found->nr++) {
			found->upper = upper;
			found->lower = lower;
		}
	}
}

static int klp_check_claims(const struct klp_claims *claims,
			    struct klp_patch *patch,
			    const struct klp_grant *grant)
{
	struct klp_findings refused = {}, granted = { .granted = true };
	unsigned int i;

	/* The claims of the topmost livepatch come first */
	for (i = 0; i < claims->nr && claims->claims[i].patch == patch; i++) {
		if (klp_claimed_twice(&claims->claims[i]))
			return -EINVAL;
		klp_find_conflicts(&claims->claims[i], grant, &refused);
		klp_find_conflicts(&claims->claims[i], grant, &granted);
	}

	if (patch->replace)
		return klp_check_takeover(claims, patch, grant);

	klp_report_findings(refused.nr ? &refused : &granted);
	return refused.nr ? -ENOTUNIQ : 0;
}

/**
 * klp_check_conflicts() - does a new livepatch shadow others without leave?
 * @patch:	livepatch that is being loaded, resolved
 * @grant:	victims that it may shadow, NULL for none
 *
 * Logs that there are conflicts which are not granted. When there are none, logs
 * what the grant made possible, or what a livepatch drops that replaces all
 * others.
 *
 * Return: 0; -ENOTUNIQ when there is a conflict that is not granted; -EINVAL
 * when @patch changes a function twice; -ENOMEM
 */
int klp_check_conflicts(struct klp_patch *patch, const struct klp_grant *grant)
{
	struct klp_claims claims;
	int ret;

	ret = klp_claims_get(&claims, patch, NULL);
	if (ret)
		return ret;

	ret = klp_check_claims(&claims, patch, grant);
	klp_report_load(&claims, patch);
	klp_claims_put(&claims);
	return ret;
}

static int klp_admit_under_grant(struct klp_patch *patch,
				 const struct klp_grant *grant)
{
	int ret;

	/* First, or else the error would depend on how far the other one is */
	if (klp_transition_patch) {
		pr_err("'%s' cannot be loaded while '%s' is in transition\n",
		       patch->mod->name, klp_transition_patch->mod->name);
		return -EBUSY;
	}

	ret = klp_resolve_patch(patch);
	if (ret)
		return ret;

	return klp_check_conflicts(patch, grant);
}

/**
 * klp_admit_patch() - may this livepatch be loaded on top of the others?
 * @patch:	livepatch that is being loaded, not yet on klp_patches
 *
 * Uses up the grant that waits for this livepatch, if there is one. Looks up
 * the symbols of @patch. Has no other effect.
 *
 * Return: 0; -ENOTUNIQ when it conflicts with others; -EINVAL when it changes a
 * function twice; -EBUSY when another livepatch is in transition; -ENOMEM
 */
int klp_admit_patch(struct klp_patch *patch)
{
	struct klp_grant *grant = klp_grant_take(patch->mod->name);
	int ret;

	ret = klp_admit_under_grant(patch, grant);
	if (ret)
		klp_grant_free(grant);
	else
		klp_grant_attach(grant, patch);

	return ret;
}

static bool klp_module_is_patched(const struct module *mod)
{
	struct klp_patch *patch;
	struct klp_object *obj;

	klp_for_each_patch(patch) {
		klp_for_each_object(patch, obj) {
			if (obj->name && !strcmp(obj->name, mod->name))
				return true;
		}
	}

	return false;
}

/*
 * What has the same name was seen when the livepatches were loaded. Addresses
 * are known only now. A livepatch that replaces all others is on its way to be
 * the only one.
 */
static int klp_check_module_conflicts(struct module *mod)
{
	struct klp_claims claims;
	struct klp_findings refused = {};
	struct klp_claim *claim;
	unsigned int i;
	int ret;

	ret = klp_claims_get(&claims, NULL, mod);
	if (ret)
		return ret;

	for (i = 0; !ret && i < claims.nr; i++) {
		claim = &claims.claims[i];
		if (strcmp(claim->object, mod->name))
			continue;
		if (klp_claimed_twice(claim))
			ret = -EINVAL;
		else if (!claim->patch->replace)
			klp_find_conflicts(claim, klp_grant_of(claim->patch),
					   &refused);
	}

	if (!ret && refused.nr)
		ret = -ENOTUNIQ;
	if (ret == -ENOTUNIQ)
		klp_report_findings(&refused);
	klp_claims_put(&claims);
	return ret;
}

/**
 * klp_admit_module() - can all livepatches be applied to this module?
 * @mod:	module that is being loaded
 *
 * Looks up what the livepatches refer to in @mod, and whether two of them turn
 * out to change the same function of it under different names.
 *
 * Return: 0; -ENOTUNIQ when livepatches conflict in @mod; -EINVAL when one of
 * them changes a function of it twice; -ENOMEM
 */
int klp_admit_module(struct module *mod)
{
	int ret;

	if (!klp_module_is_patched(mod))
		return 0;

	ret = klp_resolve_module(mod);
	if (!ret)
		ret = klp_check_module_conflicts(mod);
	if (ret)
		pr_warn("refusing to load module '%s' (%d)\n", mod->name, ret);

	return ret;
}

/**
 * klp_report_ftrace_clash() - tell a clash with another tool from a conflict
 * @func:	function that could not be patched
 * @err:	what ftrace said
 *
 * ftrace lets one user redirect a function. Livepatches share one between them,
 * so this is about others, such as BPF trampolines or fault injection.
 */
void klp_report_ftrace_clash(const struct klp_func *func, int err)
{
	if (err == -EBUSY && ftrace_enabled)
		pr_err("function '%s' is already redirected by another ftrace user, which is no livepatch\n",
		       func->old_name);
}
