/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KLP_ORACLE_H
#define KLP_ORACLE_H

#include <linux/types.h>

/* What a call does while it is in the function, or in a part of another */
enum klp_oracle_way {
	KLP_ORACLE_PASS,
	KLP_ORACLE_SPIN,
	KLP_ORACLE_SLEEP,
	KLP_ORACLE_YIELD,
	KLP_ORACLE_HOLD,
	KLP_ORACLE_COLD,
	KLP_ORACLE_CLONE,
	KLP_ORACLE_WAYS,
};

void klp_oracle_enter(int version);
void klp_oracle_leave(int version, int inner_version);
void klp_oracle_act(enum klp_oracle_way way, unsigned int usecs);
int klp_oracle_inner(enum klp_oracle_way way, unsigned int usecs);
void klp_oracle_call(enum klp_oracle_way way, unsigned int usecs);

#endif
