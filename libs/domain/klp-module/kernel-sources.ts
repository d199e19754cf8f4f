// SPDX-License-Identifier: GPL-2.0-only
import type { CSource } from './kernel-facts';

const probe = `// SPDX-License-Identifier: GPL-2.0-only
/* Each variable holds one number about this kernel's structs; only the compiled object is read, it never runs. */
#include <linux/bug.h>
#include <linux/dynamic_debug.h>
#include <linux/extable.h>
#include <linux/jump_label.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/static_call_types.h>
#include <asm/alternative.h>
#ifdef CONFIG_PARAVIRT
#include <asm/paravirt_types.h>
#endif
#ifdef CONFIG_UNWINDER_ORC
#include <asm/orc_types.h>
#endif

#define FACT(name, value) const long lockstep_##name = (long)(value)
#define SIZE(name, type) FACT(name, sizeof(struct type))
#define OFFSET(name, type, field) FACT(name, offsetof(struct type, field))

SIZE(klp_func_size, klp_func);
OFFSET(klp_func_old_name, klp_func, old_name);
OFFSET(klp_func_new_func, klp_func, new_func);
OFFSET(klp_func_old_sympos, klp_func, old_sympos);

SIZE(klp_object_size, klp_object);
OFFSET(klp_object_name, klp_object, name);
OFFSET(klp_object_funcs, klp_object, funcs);
OFFSET(klp_object_pre_patch, klp_object, callbacks.pre_patch);
OFFSET(klp_object_post_patch, klp_object, callbacks.post_patch);
OFFSET(klp_object_pre_unpatch, klp_object, callbacks.pre_unpatch);
OFFSET(klp_object_post_unpatch, klp_object, callbacks.post_unpatch);

SIZE(klp_patch_size, klp_patch);
OFFSET(klp_patch_mod, klp_patch, mod);
OFFSET(klp_patch_objs, klp_patch, objs);
OFFSET(klp_patch_replace, klp_patch, replace);

SIZE(module_size, module);
OFFSET(module_name, module, name);
FACT(module_name_len, MODULE_NAME_LEN);

#ifdef CONFIG_MODVERSIONS
SIZE(modversion_size, modversion_info);
OFFSET(modversion_crc, modversion_info, crc);
OFFSET(modversion_name, modversion_info, name);
#else
FACT(modversion_size, 0);
FACT(modversion_crc, 0);
FACT(modversion_name, 0);
#endif

SIZE(bug_entry_size, bug_entry);
#ifdef CONFIG_DEBUG_BUGVERBOSE
OFFSET(bug_line, bug_entry, line);
#else
FACT(bug_line, -1);
#endif
SIZE(exception_size, exception_table_entry);
SIZE(alternative_size, alt_instr);
OFFSET(alternative_length, alt_instr, replacementlen);
#ifdef CONFIG_JUMP_LABEL
SIZE(jump_size, jump_entry);
#else
FACT(jump_size, 0);
#endif
#ifdef CONFIG_PARAVIRT
SIZE(paravirt_size, paravirt_patch_site);
#else
FACT(paravirt_size, 0);
#endif
#ifdef CONFIG_HAVE_STATIC_CALL_INLINE
SIZE(static_call_size, static_call_site);
#else
FACT(static_call_size, 0);
#endif
#ifdef CONFIG_UNWINDER_ORC
SIZE(orc_size, orc_entry);
#else
FACT(orc_size, 0);
#endif
#if defined(CONFIG_DYNAMIC_DEBUG) || defined(CONFIG_DYNAMIC_DEBUG_CORE)
SIZE(dynamic_debug_size, _ddebug);
/* A bit-field has no offsetof: it follows the format pointer. */
FACT(dynamic_debug_line, offsetofend(struct _ddebug, format));
#else
FACT(dynamic_debug_size, 0);
FACT(dynamic_debug_line, -1);
#endif

/* How its entry in __bug_table refers to this file's name is read from the relocation. */
void probe_warning(int broken);
void probe_warning(int broken)
{
	WARN_ON(broken);
}
`;

const glue = `// SPDX-License-Identifier: GPL-2.0-only
/* The constant part of every Lockstep livepatch module on one kernel build; the rest is written around it. */
#define INCLUDE_VERMAGIC
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/vermagic.h>

extern struct klp_patch lockstep_patch;

static int __init lockstep_livepatch_init(void)
{
	return klp_enable_patch(&lockstep_patch);
}

/* What the patch gave to call_rcu() may still have to run in here. */
static void __exit lockstep_livepatch_exit(void)
{
	rcu_barrier();
}

module_init(lockstep_livepatch_init);
module_exit(lockstep_livepatch_exit);
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
MODULE_INFO(vermagic, VERMAGIC_STRING);
MODULE_INFO(depends, "");
#ifdef CONFIG_RETPOLINE
MODULE_INFO(retpoline, "Y");
#endif

__visible struct module __this_module
	__section(".gnu.linkonce.this_module") = {
	.init = init_module,
	.exit = cleanup_module,
	.arch = MODULE_ARCH_INIT,
};
`;

/** Compile each once per kernel build, as an object of a module; `readKernelFacts` takes the results. */
export const kernelProbeSources: readonly CSource[] = [{ fileName: 'lockstep_probe.c', source: probe }];

/** Compile once per kernel build, as an object of a module: init, exit, vermagic and `__this_module`. */
export const moduleGlueSource: CSource = { fileName: 'lockstep_glue.c', source: glue };
