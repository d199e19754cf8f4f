// SPDX-License-Identifier: GPL-2.0-only
/*
 * conflict.c - refuse livepatches that silently shadow each other
 *
 * Two livepatches that change the same function conflict: the one loaded last
 * wins, and what runs depends on the order of the loads. Such a load fails with
 * -ENOTUNIQ, before it has any effect, unless a grant names every livepatch
 * that it shadows. No other failure to load a livepatch gives that error.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/livepatch.h>
#include <linux/printk.h>
#include "claims.h"
#include "conflict.h"
#include "core.h"
#include "grant.h"
#include "resolve.h"
#include "transition.h"

static void klp_report_refused(const struct klp_claim *upper,
			       const struct klp_claim *lower)
{
	pr_err("conflict: '%s' changes function '%s,%lu' of object '%s', owned by '%s' as '%s,%lu'\n",
	       upper->patch->mod->name, upper->func->old_name,
	       klp_func_pos(upper->func), klp_object_name(upper->obj),
	       lower->patch->mod->name, lower->func->old_name,
	       klp_func_pos(lower->func));
}

static void klp_report_granted(const struct klp_claim *upper,
			       const struct klp_claim *lower)
{
	pr_notice("override: '%s' shadows function '%s,%lu' of object '%s', owned by '%s' as '%s,%lu'\n",
		  upper->patch->mod->name, upper->func->old_name,
		  klp_func_pos(upper->func), klp_object_name(upper->obj),
		  lower->patch->mod->name, lower->func->old_name,
		  klp_func_pos(lower->func));
}

/* Calls @report for the conflicts of @upper that @grant covers, or does not */
static unsigned int klp_visit_conflicts(const struct klp_claim *upper,
					const struct klp_grant *grant,
					bool granted,
					void (*report)(const struct klp_claim *,
						       const struct klp_claim *))
{
	const struct klp_claim *lower;
	unsigned int nr = 0;

	for (lower = upper->below; lower; lower = lower->below) {
		if (lower->patch == upper->patch || lower->func->nop)
			continue;
		if (klp_grant_names(grant, lower->patch->mod->name) != granted)
			continue;
		report(upper, lower);
		nr++;
	}

	return nr;
}

/**
 * klp_check_conflicts() - does a new livepatch shadow others without leave?
 * @patch:	livepatch that is being loaded, resolved
 * @grant:	victims that it may shadow, NULL for none
 *
 * Reports each conflict that is not granted. When there is none, reports what
 * the grant made possible.
 *
 * Return: 0; -ENOTUNIQ when there is a conflict that is not granted; -ENOMEM
 */
int klp_check_conflicts(struct klp_patch *patch, const struct klp_grant *grant)
{
	struct klp_claims claims;
	unsigned int refused = 0, i;
	int ret;

	ret = klp_claims_get(&claims, patch, NULL);
	if (ret)
		return ret;

	/* The claims of the topmost livepatch come first */
	for (i = 0; i < claims.nr && claims.claims[i].patch == patch; i++)
		refused += klp_visit_conflicts(&claims.claims[i], grant, false,
					       klp_report_refused);

	for (i = 0; !refused && i < claims.nr &&
	     claims.claims[i].patch == patch; i++)
		klp_visit_conflicts(&claims.claims[i], grant, true,
				    klp_report_granted);

	klp_claims_put(&claims);
	return refused ? -ENOTUNIQ : 0;
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

	if (patch->replace) {
		klp_report_takeover(patch);
		return 0;
	}

	return klp_check_conflicts(patch, grant);
}

/**
 * klp_admit_patch() - may this livepatch be loaded on top of the others?
 * @patch:	livepatch that is being loaded, not yet on klp_patches
 *
 * Uses up the grant that waits for this livepatch, if there is one. Looks up
 * the symbols of @patch. Has no other effect.
 *
 * Return: 0; -ENOTUNIQ when it conflicts with others; -EBUSY when another
 * livepatch is in transition; -ENOMEM
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
	struct klp_claim *claim;
	unsigned int refused = 0, i;
	int ret;

	ret = klp_claims_get(&claims, NULL, mod);
	if (ret)
		return ret;

	for (i = 0; i < claims.nr; i++) {
		claim = &claims.claims[i];
		if (!claim->obj->name || strcmp(claim->obj->name, mod->name) ||
		    claim->patch->replace)
			continue;
		refused += klp_visit_conflicts(claim,
					       klp_grant_of(claim->patch),
					       false, klp_report_refused);
	}

	klp_claims_put(&claims);
	return refused ? -ENOTUNIQ : 0;
}

/**
 * klp_admit_module() - can all livepatches be applied to this module?
 * @mod:	module that is being loaded
 *
 * Looks up what the livepatches refer to in @mod, and whether two of them turn
 * out to change the same function of it under different names.
 *
 * Return: 0; -ENOTUNIQ when livepatches conflict in @mod; -ENOMEM
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
