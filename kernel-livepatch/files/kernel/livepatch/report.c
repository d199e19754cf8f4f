// SPDX-License-Identifier: GPL-2.0-only
/*
 * report.c - conflicts, overrides and the load order in sysfs
 *
 * /sys/kernel/livepatch/override
 * /sys/kernel/livepatch/conflicts
 * /sys/kernel/livepatch/<patch>/conflicts
 * /sys/kernel/livepatch/<patch>/stack_order
 *
 * The two kinds of conflicts files are binary attributes only because they may
 * be longer than a page. See Documentation/ABI/testing/sysfs-kernel-livepatch-conflicts
 * for what is in them.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jhash.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/seq_buf.h>
#include <linux/sysfs.h>
#include "claims.h"
#include "core.h"
#include "grant.h"
#include "report.h"

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
		if (claim->func->nop || claim->patch == last)
			continue;

		last = claim->patch;
		seq_buf_printf(text, " %s", last->mod->name);
		if (!klp_claim_same_name(claim, known_as))
			seq_buf_printf(text, ":%s,%lu", claim->func->old_name,
				       klp_func_pos(claim->func));
	}
	seq_buf_putc(text, '\n');
}

static void klp_print_func(struct seq_buf *text, const struct klp_claim *claim)
{
	seq_buf_printf(text, "%s %s,%lu", klp_object_name(claim->obj),
		       claim->func->old_name, klp_func_pos(claim->func));
}

/* First claim from @claim on downwards that changes the function */
static const struct klp_claim *klp_skip_nops(const struct klp_claim *claim)
{
	while (claim && claim->func->nop)
		claim = claim->below;

	return claim;
}

/* First claim below @claim that another livepatch has */
static const struct klp_claim *klp_next_owner(const struct klp_claim *claim)
{
	const struct klp_patch *patch = claim->patch;

	while (claim && (claim->patch == patch || claim->func->nop))
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

static void klp_print_share(struct seq_buf *text,
			    const struct klp_claims *claims,
			    const struct klp_claim *claim)
{
	const struct klp_claim *top, *lower;

	lower = klp_next_owner(claim);
	if (lower) {
		seq_buf_puts(text, claim->func->nop ? "drops " : "shadows ");
		klp_print_func(text, claim);
		klp_print_owners(text, lower, NULL, claim);
	}

	if (!claim->above || claim->func->nop)
		return;

	for (top = claim; top->above; top = top->above)
		;
	top = klp_skip_nops(top);
	if (top->patch == claim->patch)
		return;

	seq_buf_puts(text, "lost ");
	klp_print_func(text, claim);
	klp_print_owners(text, top, claim, claim);
}

static void klp_print_patch_conflicts(struct seq_buf *text,
				      const struct klp_claims *claims,
				      const struct klp_patch *patch)
{
	const struct klp_grant *grant = klp_grant_of(patch);
	const struct klp_claim *claim;
	unsigned int i;

	if (grant) {
		seq_buf_puts(text, "override");
		klp_grant_print(grant, text);
		seq_buf_putc(text, '\n');
	}

	for (i = 0; i < claims->nr; i++) {
		claim = &claims->claims[i];
		/* Once for a function that a livepatch changes by two names */
		if (claim->patch == patch &&
		    !(claim->above && claim->above->patch == patch))
			klp_print_share(text, claims, claim);
	}
}

typedef void (*klp_print_fn)(struct seq_buf *text,
			     const struct klp_claims *claims,
			     const struct klp_patch *patch);

/* Returns the text, to be freed with kvfree(), and its length in *len */
static char *klp_text(klp_print_fn print, const struct klp_patch *patch,
		      size_t *len)
{
	struct klp_claims claims;
	struct seq_buf text;
	size_t size = PAGE_SIZE;
	char *buf;
	int ret;

	ret = klp_claims_get(&claims, NULL, NULL);
	if (ret)
		return ERR_PTR(ret);

	for (;;) {
		buf = kvmalloc(size, GFP_KERNEL);
		if (!buf)
			break;

		seq_buf_init(&text, buf, size);
		print(&text, &claims, patch);
		if (!seq_buf_has_overflowed(&text))
			break;

		kvfree(buf);
		size *= 2;
	}

	klp_claims_put(&claims);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	*len = seq_buf_used(&text);
	return buf;
}

/*
 * The text is made anew for each part that is read. A reader that has begun
 * with another text gets -ESTALE rather than the end of this one; it must begin
 * again. f_version remembers which text that was.
 */
static ssize_t klp_read_text(struct file *file, char *to, loff_t off,
			     size_t count, klp_print_fn print,
			     const struct klp_patch *patch)
{
	u64 version;
	ssize_t ret;
	size_t len;
	char *text;

	ret = klp_lock_for_sysfs();
	if (ret)
		return ret;
	text = klp_text(print, patch, &len);
	mutex_unlock(&klp_mutex);
	if (IS_ERR(text))
		return PTR_ERR(text);

	version = (u64)len << 32 | jhash(text, len, 0);
	if (!off)
		file->f_version = version;

	if (file->f_version == version)
		ret = memory_read_from_buffer(to, count, &off, text, len);
	else
		ret = -ESTALE;

	kvfree(text);
	return ret;
}

static ssize_t klp_conflicts_read(struct file *file, struct kobject *kobj,
				  struct bin_attribute *attr, char *buf,
				  loff_t off, size_t count)
{
	return klp_read_text(file, buf, off, count, klp_print_conflicts, NULL);
}

static ssize_t klp_patch_conflicts_read(struct file *file, struct kobject *kobj,
					struct bin_attribute *attr, char *buf,
					loff_t off, size_t count)
{
	struct klp_patch *patch = container_of(kobj, struct klp_patch, kobj);

	return klp_read_text(file, buf, off, count, klp_print_patch_conflicts,
			     patch);
}

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
static struct kobj_attribute stack_order_kobj_attr = __ATTR_RO(stack_order);

static struct bin_attribute klp_conflicts_bin_attr =
	__BIN_ATTR(conflicts, 0444, klp_conflicts_read, NULL, 0);
static struct bin_attribute klp_patch_conflicts_bin_attr =
	__BIN_ATTR(conflicts, 0444, klp_patch_conflicts_read, NULL, 0);

static struct attribute *klp_root_attrs[] = {
	&override_kobj_attr.attr,
	NULL
};

static struct bin_attribute *klp_root_bin_attrs[] = {
	&klp_conflicts_bin_attr,
	NULL
};

static const struct attribute_group klp_root_group = {
	.attrs = klp_root_attrs,
	.bin_attrs = klp_root_bin_attrs,
};

static struct attribute *klp_report_attrs[] = {
	&stack_order_kobj_attr.attr,
	NULL
};

static struct bin_attribute *klp_report_bin_attrs[] = {
	&klp_patch_conflicts_bin_attr,
	NULL
};

/* What report.c adds to the files of each livepatch */
const struct attribute_group klp_report_group = {
	.attrs = klp_report_attrs,
	.bin_attrs = klp_report_bin_attrs,
};

/**
 * klp_report_init() - add the files that are not about one livepatch
 * @klp_root_kobj:	/sys/kernel/livepatch
 *
 * Return: 0, or an error of sysfs
 */
int __init klp_report_init(struct kobject *klp_root_kobj)
{
	return sysfs_create_group(klp_root_kobj, &klp_root_group);
}
