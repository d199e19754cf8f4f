// SPDX-License-Identifier: GPL-2.0-only
/*
 * Livepatch modules in small, as people write them by hand, or with KPATCH as kpatch-build makes them: what readers of
 * .ko files are tested with. The structs have the kernel's public fields, and private ones of some size behind them.
 *
 * NAME: the module's name. RELEASE: the kernel it is for. FUNCTIONS: F(name, sympos) for each function of vmlinux.
 */
#define used __attribute__((used))
#define in(name) __attribute__((section(name)))
#define text_of(x) #x
#define text(x) text_of(x)

static const char name_info[] used in(".modinfo") = "name=" text(NAME);
static const char vermagic_info[] used in(".modinfo") = "vermagic=" text(RELEASE) " SMP mod_unload ";
#ifndef NO_LIVEPATCH
static const char livepatch_info[] used in(".modinfo") = "livepatch=Y";
#endif

struct module {
	char name[56];
} __this_module in(".gnu.linkonce.this_module") = { text(NAME) };

static int used replacement(void)
{
	return 1;
}

#ifdef KPATCH
static const struct {
	unsigned long new_addr, new_size, old_addr, old_size, sympos;
	const char *name, *objname;
} kpatch_funcs[] used in(".kpatch.funcs") = {
#define F(func, position) { (unsigned long)replacement, 8, 0, 8, position, #func, "vmlinux" },
	FUNCTIONS
#undef F
	{ (unsigned long)replacement, 8, 0, 8, 0, "module_func", "some_module" },
};
#else
struct klp_func {
	const char *old_name;
	void *new_func;
	unsigned long old_sympos;
	void *old_func;
	char private[88];
};

struct klp_object {
	const char *name;
	struct klp_func *funcs;
	void *callbacks[4];
	char private[72];
};

struct klp_patch {
	struct module *mod;
	struct klp_object *objs;
	void *states;
	_Bool replace;
	char private[100];
};

static struct klp_func vmlinux_funcs[] = {
#define F(func, position) { .old_name = #func, .new_func = replacement, .old_sympos = position },
	FUNCTIONS
#undef F
	{ }
};

static struct klp_func module_funcs[] = {
	{ .old_name = "module_func", .new_func = replacement },
	{ }
};

static struct klp_func no_funcs[] = { { } };

static struct klp_object objects[] = {
	{ .funcs = vmlinux_funcs, .callbacks = { replacement, replacement } },
	{ .name = "some_module", .funcs = module_funcs },
	{ .name = "other_module", .funcs = no_funcs, .callbacks = { 0, replacement } },
	{ }
};

/* Another struct that begins with the module, as file_operations do */
struct {
	struct module *owner;
	int (*open)(void);
} file_operations = { &__this_module, replacement };

#ifndef REPLACE
#define REPLACE 0
#endif
struct klp_patch used patch = { .mod = &__this_module, .objs = objects, .replace = REPLACE };
#endif
