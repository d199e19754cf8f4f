// SPDX-License-Identifier: GPL-2.0-only
/* The module glue in small: what moduleGlueSource is with a kernel's headers. */
#include "../sources/fixture.h"

struct klp_patch;
extern struct klp_patch lockstep_patch;
extern int klp_enable_patch(struct klp_patch *patch);

struct module {
	long state;
	char name[56];
	int (*init)(void);
	void (*exit)(void);
};

int __section(".init.text") init_module(void)
{
	return klp_enable_patch(&lockstep_patch);
}

void __section(".exit.text") cleanup_module(void)
{
}

struct module __section(".gnu.linkonce.this_module") __this_module = {
	.name = "placeholder",
	.init = init_module,
	.exit = cleanup_module,
};

static const char license[] __used __section(".modinfo") __attribute__((aligned(1))) = "license=GPL";
static const char livepatch[] __used __section(".modinfo") __attribute__((aligned(1))) = "livepatch=Y";
