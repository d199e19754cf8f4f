// SPDX-License-Identifier: GPL-2.0-only
/*
 * report.c - conflicts, overrides and the load order
 *
 * /sys/kernel/livepatch/override
 * /sys/kernel/livepatch/<patch>/stack_order
 * /sys/kernel/debug/livepatch/conflicts
 * /sys/kernel/debug/livepatch/shares
 * /sys/kernel/debug/livepatch/latest_load
 *
 * What is no single value is in debugfs. All files are for root: who reads holds
 * klp_mutex meanwhile. See Documentation/ABI/testing/sysfs-kernel-livepatch-conflicts
 * for what is in them.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_buf.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "claims.h"
#include "conflict.h"
#include "core.h"
#include "grant.h"
#include "report.h"

/* What the load that was admitted or refused last found; protected by klp_mutex */
static char *klp_latest_load;

/* /sys/kernel/debug/livepatch */
struct dentry *klp_debugfs;

/*
 * core.c adds the files of a livepatch under klp_mutex, and takes them back
 * under it when that fails half way, waiting for those who read or write them.
 * So they must not wait for klp_mutex in turn.
 */
int klp_lock_for_sysfs(void)
{
	if (mutex_trylock(&klp_mutex))
		return 0;

	/* Do not spin */
	usleep_range(5000, 10000);
	return restart_syscall();
}

/* Prints the owners from @claim down to @end, each once, top first */
static void klp_print_owners(struct seq_buf *text,
			     const struct klp_claim *claim,
			     const struct klp_claim *end,
			     const struct klp_claim *known_as)
{
	const struct klp_patch *last = NULL;

	for (; claim != end; claim = claim->below) {
		if (claim->nop || claim->patch == last)
			continue;

		last = claim->patch;
		seq_buf_printf(text, " %s", last->mod->name);
		if (!klp_claim_same_name(claim, known_as))
			seq_buf_printf(text, ":%s,%lu", claim->name,
				       claim->pos);
	}
	seq_buf_putc(text, '\n');
}

static void klp_print_func(struct seq_buf *text, const struct klp_claim *claim)
{
	seq_buf_printf(text, "%s %s,%lu", claim->object, claim->name,
		       claim->pos);
}

/* First claim from @claim on downwards that changes the function */
static const struct klp_claim *klp_skip_nops(const struct klp_claim *claim)
{
	while (claim && claim->nop)
		claim = claim->below;

	return claim;
}

/* First claim below @claim that another livepatch has */
static const struct klp_claim *klp_next_owner(const struct klp_claim *claim)
{
	const struct klp_patch *patch = claim->patch;

	while (claim && (claim->patch == patch || claim->nop))
		claim = claim->below;

	return claim;
}

static void klp_print_conflicts(struct seq_buf *text,
				const struct klp_claims *claims,
				const struct klp_patch *unused)
{
	const struct klp_claim *top;
	unsigned int i;

	for (i = 0; i < claims->nr; i++) {
		if (claims->claims[i].above)
			continue;

		top = klp_skip_nops(&claims->claims[i]);
		if (!top || !klp_next_owner(top))
			continue;

		klp_print_func(text, top);
		klp_print_owners(text, top, NULL, top);
	}
}

/* A nop for another name of what the livepatch changes drops nothing */
static bool klp_changed_as_well(const struct klp_claim *nop)
{
	const struct klp_claim *other;

	for (other = nop->above; other; other = other->above) {
		if (other->patch == nop->patch && !other->nop)
			return true;
	}
	for (other = nop->below; other; other = other->below) {
		if (other->patch == nop->patch && !other->nop)
			return true;
	}

	return false;
}

static void klp_print_share(struct seq_buf *text, const struct klp_claim *claim)
{
	const struct klp_claim *top, *lower;

	lower = klp_next_owner(claim);
	if (lower) {
		seq_buf_printf(text, "%s %s ", claim->patch->mod->name,
			       claim->nop ? "drops" : "shadows");
		klp_print_func(text, claim);
		klp_print_owners(text, lower, NULL, claim);
	}

	if (!claim->above || claim->nop)
		return;

	for (top = claim; top->above; top = top->above)
		;
	top = klp_skip_nops(top);
	if (top->patch == claim->patch)
		return;

	seq_buf_printf(text, "%s lost ", claim->patch->mod->name);
	klp_print_func(text, claim);
	klp_print_owners(text, top, claim, claim);
}

static void klp_print_shares_of(struct seq_buf *text,
				const struct klp_claims *claims,
				const struct klp_patch *patch)
{
	const struct klp_claim *claim;
	unsigned int i;

	for (i = 0; i < claims->nr; i++) {
		claim = &claims->claims[i];
		if (claim->patch == patch &&
		    !(claim->nop && klp_changed_as_well(claim)))
			klp_print_share(text, claim);
	}
}

static void klp_print_shares(struct seq_buf *text,
			     const struct klp_claims *claims,
			     const struct klp_patch *unused)
{
	const struct klp_grant *grant;
	struct klp_patch *patch;

	klp_for_each_patch(patch) {
		grant = klp_grant_of(patch);
		if (grant) {
			seq_buf_printf(text, "%s override", patch->mod->name);
			klp_grant_print(grant, text);
			seq_buf_putc(text, '\n');
		}
		klp_print_shares_of(text, claims, patch);
	}
}

/* What a livepatch on top of all others finds there */
static void klp_print_load(struct seq_buf *text,
			   const struct klp_claims *claims,
			   const struct klp_patch *patch)
{
	const struct klp_claim *claim;
	unsigned int i;

	seq_buf_printf(text, "%s loads\n", patch->mod->name);
	klp_print_shares_of(text, claims, patch);

	for (i = 0; patch->replace && i < claims->nr; i++) {
		claim = &claims->claims[i];
		if (!klp_claim_is_dropped(claim, patch))
			continue;
		seq_buf_printf(text, "%s drops ", patch->mod->name);
		klp_print_func(text, claim);
		klp_print_owners(text, claim, NULL, claim);
	}
}

typedef void (*klp_print_fn)(struct seq_buf *text,
			     const struct klp_claims *claims,
			     const struct klp_patch *patch);

/* Returns the text, to be freed with kvfree(), or NULL */
static char *klp_text(klp_print_fn print, const struct klp_claims *claims,
		      const struct klp_patch *patch)
{
	struct seq_buf text;
	size_t size = PAGE_SIZE;
	char *buf;

	for (;;) {
		/* There must be room for the NUL */
		buf = kvzalloc(size + 1, GFP_KERNEL);
		if (!buf)
			return NULL;

		seq_buf_init(&text, buf, size);
		print(&text, claims, patch);
		if (!seq_buf_has_overflowed(&text))
			return buf;

		kvfree(buf);
		size *= 2;
	}
}

/**
 * klp_report_load() - keep what a load has found, for /sys/kernel/debug
 * @claims:	who claims which functions
 * @patch:	livepatch that is being loaded, on top of @claims
 *
 * It is but a report: short memory is no reason to fail.
 */
void klp_report_load(const struct klp_claims *claims,
		     const struct klp_patch *patch)
{
	kvfree(klp_latest_load);
	klp_latest_load = klp_text(klp_print_load, claims, patch);
}

static int klp_show(struct seq_file *file, klp_print_fn print)
{
	struct klp_claims claims;
	char *text = NULL;
	int ret;

	mutex_lock(&klp_mutex);
	ret = klp_claims_get(&claims, NULL, NULL);
	if (!ret) {
		text = klp_text(print, &claims, NULL);
		klp_claims_put(&claims);
	}
	mutex_unlock(&klp_mutex);
	if (!text)
		return ret ? ret : -ENOMEM;

	seq_puts(file, text);
	kvfree(text);
	return 0;
}

static int klp_conflicts_show(struct seq_file *file, void *unused)
{
	return klp_show(file, klp_print_conflicts);
}
DEFINE_SHOW_ATTRIBUTE(klp_conflicts);

static int klp_shares_show(struct seq_file *file, void *unused)
{
	return klp_show(file, klp_print_shares);
}
DEFINE_SHOW_ATTRIBUTE(klp_shares);

static int klp_latest_load_show(struct seq_file *file, void *unused)
{
	mutex_lock(&klp_mutex);
	if (klp_latest_load)
		seq_puts(file, klp_latest_load);
	mutex_unlock(&klp_mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(klp_latest_load);

static ssize_t stack_order_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	struct klp_patch *patch = container_of(kobj, struct klp_patch, kobj);
	struct klp_patch *other;
	ssize_t ret;
	int order = 0;

	ret = klp_lock_for_sysfs();
	if (ret)
		return ret;

	/* It may just have been disabled */
	ret = -ENODEV;
	klp_for_each_patch(other) {
		order++;
		if (other == patch) {
			ret = sysfs_emit(buf, "%d\n", order);
			break;
		}
	}

	mutex_unlock(&klp_mutex);
	return ret;
}

static ssize_t override_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	int ret;

	/* It is a part of loading a module */
	if (!capable(CAP_SYS_MODULE))
		return -EPERM;

	ret = klp_grant_add(buf, count);
	return ret ? ret : count;
}

static struct kobj_attribute override_kobj_attr = __ATTR_WO(override);
static struct kobj_attribute stack_order_kobj_attr =
	__ATTR_RO_MODE(stack_order, 0400);

static struct attribute *klp_root_attrs[] = {
	&override_kobj_attr.attr,
	NULL
};

static const struct attribute_group klp_root_group = {
	.attrs = klp_root_attrs,
};

static struct attribute *klp_report_attrs[] = {
	&stack_order_kobj_attr.attr,
	NULL
};

/* What report.c adds to the files of each livepatch */
const struct attribute_group klp_report_group = {
	.attrs = klp_report_attrs,
};

/**
 * klp_report_init() - add the files that are not about one livepatch
 * @klp_root_kobj:	/sys/kernel/livepatch
 *
 * Return: 0, or an error of sysfs
 */
int __init klp_report_init(struct kobject *klp_root_kobj)
{
	klp_debugfs = debugfs_create_dir("livepatch", NULL);
	debugfs_create_file("conflicts", 0400, klp_debugfs, NULL,
			    &klp_conflicts_fops);
	debugfs_create_file("shares", 0400, klp_debugfs, NULL,
			    &klp_shares_fops);
	debugfs_create_file("latest_load", 0400, klp_debugfs, NULL,
			    &klp_latest_load_fops);

	return sysfs_create_group(klp_root_kobj, &klp_root_group);
}
