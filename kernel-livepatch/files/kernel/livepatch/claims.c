// SPDX-License-Identifier: GPL-2.0-only
/*
 * claims.c - which livepatches change the same function, or system state
 *
 * Nothing is kept between two questions: the answer is put together from
 * klp_patches each time, in one pass over all functions, and so cannot go stale
 * when livepatches are disabled or replaced, or when modules come and go.
 *
 * A function is the same when it has the same address, which also finds it
 * under another name. As long as its object is not loaded there is no address;
 * then object, name and position must be the same. A state is the same when its
 * ID is.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/stringhash.h>
#include "claims.h"
#include "core.h"

static unsigned int klp_claim_hash(const struct klp_claims *claims,
				   const struct klp_claim *claim)
{
	if (claim->addr)
		return hash_ptr(claim->addr, claims->bits);

	return hash_32(full_name_hash(NULL, claim->name, strlen(claim->name)),
		       claims->bits);
}

static bool klp_claim_same_func(const struct klp_claim *a,
				const struct klp_claim *b)
{
	if (a->addr || b->addr)
		return a->addr == b->addr;

	return klp_claim_same_name(a, b);
}

static void klp_claim_link(struct klp_claims *claims, struct klp_claim *claim)
{
	struct hlist_head *head = &claims->heads[klp_claim_hash(claims, claim)];
	struct klp_claim *top;

	hlist_for_each_entry(top, head, node) {
		if (!klp_claim_same_func(top, claim))
			continue;

		claim->above = top->lowest;
		top->lowest->below = claim;
		top->lowest = claim;
		return;
	}

	claim->lowest = claim;
	hlist_add_head(&claim->node, head);
}

/* Returns the next claim; NULL as long as they are only counted */
static struct klp_claim *klp_claims_next(struct klp_claims *claims,
					 struct klp_patch *patch)
{
	struct klp_claim *claim = NULL;

	if (claims->claims) {
		claim = &claims->claims[claims->nr];
		claim->patch = patch;
	}
	claims->nr++;
	return claim;
}

static void klp_claims_add_object(struct klp_claims *claims,
				  struct klp_patch *patch,
				  struct klp_object *obj, bool resolved)
{
	struct klp_claim *claim;
	struct klp_func *func;

	klp_for_each_func(obj, func) {
		/* core.c refuses a function without a name, later */
		if (!func->old_name)
			continue;

		claim = klp_claims_next(claims, patch);
		if (!claim)
			continue;

		claim->object = obj->name ? obj->name : "vmlinux";
		claim->name = func->old_name;
		/* Zero and one mean the same */
		claim->pos = func->old_sympos ? func->old_sympos : 1;
		claim->nop = func->nop;
		claim->addr = resolved ? func->old_func : NULL;
		klp_claim_link(claims, claim);
	}
}

static void klp_claims_add_states(struct klp_claims *claims,
				  struct klp_patch *patch)
{
	const struct klp_state *state;
	struct klp_claim *claim;

	for (state = patch->states; state && state->id; state++) {
		claim = klp_claims_next(claims, patch);
		if (!claim)
			continue;

		snprintf(claim->id, sizeof(claim->id), "%lu", state->id);
		claim->object = KLP_STATES;
		claim->name = claim->id;
		claim->pos = 1;
		klp_claim_link(claims, claim);
	}
}

static void klp_claims_add(struct klp_claims *claims, struct klp_patch *patch,
			   struct klp_patch *new_patch, struct module *coming)
{
	struct klp_object *obj;

	klp_for_each_object(patch, obj) {
		/*
		 * obj->mod is set late for a livepatch or module on its way in.
		 * resolve.c has cleared old_func there where it means nothing.
		 */
		klp_claims_add_object(claims, patch, obj,
				      klp_is_object_loaded(obj) ||
				      patch == new_patch ||
				      (coming && !strcmp(obj->name,
							 coming->name)));
	}

	klp_claims_add_states(claims, patch);
}

static void klp_claims_add_all(struct klp_claims *claims,
			       struct klp_patch *new_patch,
			       struct module *coming)
{
	struct klp_patch *patch;

	claims->nr = 0;
	if (new_patch)
		klp_claims_add(claims, new_patch, new_patch, coming);
	list_for_each_entry_reverse(patch, &klp_patches, list)
		klp_claims_add(claims, patch, new_patch, coming);
}

/**
 * klp_claims_get() - find out who claims which functions and states
 * @claims:	gets the answer, valid as long as klp_mutex is held
 * @new_patch:	livepatch that is to go on top and has been resolved, or NULL
 * @coming:	module that is being loaded and has been resolved, or NULL
 *
 * Return: 0, or -ENOMEM
 */
int klp_claims_get(struct klp_claims *claims, struct klp_patch *new_patch,
		   struct module *coming)
{
	lockdep_assert_held(&klp_mutex);

	memset(claims, 0, sizeof(*claims));
	klp_claims_add_all(claims, new_patch, coming);
	if (!claims->nr)
		return 0;

	/* hash_32() and hash_ptr() need one bit at least */
	claims->bits = order_base_2(claims->nr) ?: 1;
	claims->claims = kvcalloc(claims->nr, sizeof(*claims->claims),
				  GFP_KERNEL);
	claims->heads = kvcalloc(1UL << claims->bits, sizeof(*claims->heads),
				 GFP_KERNEL);
	if (!claims->claims || !claims->heads) {
		klp_claims_put(claims);
		return -ENOMEM;
	}

	klp_claims_add_all(claims, new_patch, coming);
	return 0;
}

/**
 * klp_claims_put() - free what klp_claims_get() has allocated
 * @claims:	the answer
 */
void klp_claims_put(struct klp_claims *claims)
{
	kvfree(claims->claims);
	kvfree(claims->heads);
	memset(claims, 0, sizeof(*claims));
}
