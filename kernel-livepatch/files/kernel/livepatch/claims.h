/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LIVEPATCH_CLAIMS_H
#define _LIVEPATCH_CLAIMS_H

#include <linux/livepatch.h>
#include <linux/string.h>

/* No object can be called so */
#define KLP_STATES	"(state)"
/* A long in decimal */
#define KLP_STATE_ID_LEN	21

/**
 * struct klp_claim - a livepatch has a say in a function, or in a system state
 * @node:	node in the hash table, used by the topmost claim of a function
 * @patch:	the livepatch
 * @object:	object that has the function, KLP_STATES for a state
 * @name:	name of the function as @patch knows it, ID of the state
 * @pos:	position of the function, from 1; 1 for a state
 * @nop:	@patch brings back the original function
 * @addr:	address of the original function, NULL when it is not loaded
 * @above:	claim of the next livepatch above that has the same function
 * @below:	claim of the next livepatch below that has the same function
 * @lowest:	last claim that follows @below, kept by the topmost one
 * @id:		room for the ID of a state
 */
struct klp_claim {
	struct hlist_node node;
	struct klp_patch *patch;
	const char *object;
	const char *name;
	unsigned long pos;
	bool nop;
	void *addr;
	struct klp_claim *above;
	struct klp_claim *below;
	struct klp_claim *lowest;
	char id[KLP_STATE_ID_LEN];
};

/**
 * struct klp_claims - who claims which functions and states, at one moment
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

static inline bool klp_claim_is_state(const struct klp_claim *claim)
{
	return !strcmp(claim->object, KLP_STATES);
}

/* Two claims of one function may know it by different names */
static inline bool klp_claim_same_name(const struct klp_claim *a,
				       const struct klp_claim *b)
{
	return a->pos == b->pos && !strcmp(a->name, b->name) &&
	       !strcmp(a->object, b->object);
}

#endif /* _LIVEPATCH_CLAIMS_H */
