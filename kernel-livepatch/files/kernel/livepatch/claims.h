/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_CLAIMS_H
#define _LIVEPATCH_CLAIMS_H

#include <linux/livepatch.h>

/**
 * struct klp_claim - a livepatch has a say in what a function does
 * @node:	node in the hash table, used by the topmost claim of a function
 * @patch:	the livepatch
 * @obj:	object of @func
 * @func:	the function as @patch knows it
 * @addr:	address of the original function, NULL when it is not loaded
 * @above:	claim of the next livepatch above that has the same function
 * @below:	claim of the next livepatch below that has the same function
 * @lowest:	last claim that follows @below, kept by the topmost one
 */
struct klp_claim {
	struct hlist_node node;
	struct klp_patch *patch;
	struct klp_object *obj;
	struct klp_func *func;
	void *addr;
	struct klp_claim *above;
	struct klp_claim *below;
	struct klp_claim *lowest;
};

/**
 * struct klp_claims - who claims which functions, at one moment
 * @claims:	all claims, livepatches from top to bottom
 * @nr:		number of claims
 * @heads:	hash table of the topmost claims
 * @bits:	log2 of the size of @heads
 */
struct klp_claims {
	struct klp_claim *claims;
	unsigned int nr;
	struct hlist_head *heads;
	unsigned int bits;
};

int klp_claims_get(struct klp_claims *claims, struct klp_patch *new_patch,
		   struct module *coming);
void klp_claims_put(struct klp_claims *claims);

static inline const char *klp_object_name(const struct klp_object *obj)
{
	return obj->name ? obj->name : "vmlinux";
}

/* Zero and one mean the same */
static inline unsigned long klp_func_pos(const struct klp_func *func)
{
	return func->old_sympos ? func->old_sympos : 1;
}

/* Two claims of one function may know it by different names */
static inline bool klp_claim_same_name(const struct klp_claim *a,
				       const struct klp_claim *b)
{
	return klp_func_pos(a->func) == klp_func_pos(b->func) &&
	       !strcmp(a->func->old_name, b->func->old_name) &&
	       !strcmp(klp_object_name(a->obj), klp_object_name(b->obj));
}

#endif /* _LIVEPATCH_CLAIMS_H */
