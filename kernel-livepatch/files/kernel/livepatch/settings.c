// SPDX-License-Identifier: GPL-2.0-only
/*
 * settings.c - how each livepatch is switched
 *
 * /sys/kernel/livepatch/consistency
 * /sys/kernel/livepatch/<patch>/consistency
 * /sys/kernel/livepatch/<patch>/consistency_attempts
 * /sys/kernel/livepatch/<patch>/consistency_timeout_ms
 *
 * The settings of a livepatch are parameters of its load, whatever parameters
 * the module has itself: livepatch.consistency, livepatch.consistency_attempts
 * and livepatch.consistency_timeout_ms. What is not given is as it is set for
 * all at that moment. Later they are changed by the files of the livepatch: so
 * nobody can take the settings that somebody else has made for another one.
 */

/* Not "livepatch: ", see consistency.c */
#define pr_fmt(fmt) "klp: " fmt

#include <linux/capability.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include "consistency.h"
#include "core.h"
#include "report.h"
#include "settings.h"
#include "stats.h"
#include "transition.h"

#define KLP_PARAM_PREFIX	"livepatch."

static unsigned int consistency_attempts = 40;
module_param(consistency_attempts, uint, 0644);
MODULE_PARM_DESC(consistency_attempts,
		 "attempts before a system-wide transition is reversed, of livepatches that do not say");

static unsigned int consistency_timeout_ms = 30000;
module_param(consistency_timeout_ms, uint, 0644);
MODULE_PARM_DESC(consistency_timeout_ms,
		 "time before a system-wide transition is reversed, of livepatches that do not say");

/* Both are protected by klp_mutex */
static enum klp_consistency klp_default_mode = KLP_PER_TASK;
static LIST_HEAD(klp_all_settings);

static struct klp_settings *klp_settings_find(const struct module *mod)
{
	struct klp_settings *settings;

	list_for_each_entry(settings, &klp_all_settings, node) {
		if (settings->mod == mod)
			return settings;
	}

	return NULL;
}

/* Returns what is there already, or new ones, or NULL when memory is short */
static struct klp_settings *klp_settings_get(const struct module *mod)
{
	struct klp_settings *settings = klp_settings_find(mod);

	if (settings)
		return settings;

	settings = kzalloc(sizeof(*settings), GFP_KERNEL);
	if (!settings)
		return NULL;

	settings->mod = mod;
	settings->mode = klp_default_mode;
	settings->attempts = consistency_attempts;
	settings->timeout_ms = consistency_timeout_ms;
	list_add(&settings->node, &klp_all_settings);
	return settings;
}

static int klp_parse_mode(const char *val, enum klp_consistency *mode)
{
	int ret = __sysfs_match_string(klp_consistency_names, KLP_NR_MODES,
				       val);

	if (ret < 0)
		return ret;

	*mode = ret;
	return 0;
}

/* Returns 1 when there is no setting of that name */
static int klp_settings_set(struct klp_settings *settings, const char *name,
			    const char *val)
{
	if (!strcmp(name, "consistency"))
		return klp_parse_mode(val, &settings->mode);
	if (!strcmp(name, "consistency_attempts"))
		return kstrtouint(val, 0, &settings->attempts);
	if (!strcmp(name, "consistency_timeout_ms"))
		return kstrtouint(val, 0, &settings->timeout_ms);
	return 1;
}

/**
 * klp_module_param() - a module is loaded with a parameter that it does not know
 * @mod:	the module
 * @param:	name of the parameter
 * @val:	its value, may be NULL
 *
 * Return: 0 when it is one for the core, and was taken; 1 when it is not;
 * -EINVAL when the value is not allowed; -ENOMEM
 */
int klp_module_param(struct module *mod, const char *param, const char *val)
{
	struct klp_settings *settings;
	int ret = -ENOMEM;

	if (!is_livepatch_module(mod) || !strstarts(param, KLP_PARAM_PREFIX))
		return 1;

	mutex_lock(&klp_mutex);
	settings = klp_settings_get(mod);
	if (settings)
		ret = klp_settings_set(settings,
				       param + strlen(KLP_PARAM_PREFIX),
				       val ? val : "");
	mutex_unlock(&klp_mutex);

	return ret;
}

/**
 * klp_settings_attach() - a livepatch is being loaded
 * @patch:	the livepatch
 *
 * Return: 0, or -ENOMEM
 */
int klp_settings_attach(struct klp_patch *patch)
{
	return klp_settings_get(patch->mod) ? 0 : -ENOMEM;
}

/**
 * klp_settings_of() - how is a livepatch to be switched?
 * @patch:	the livepatch, to which they have been attached
 *
 * Return: its settings, protected by klp_mutex
 */
const struct klp_settings *klp_settings_of(const struct klp_patch *patch)
{
	return klp_settings_find(patch->mod);
}

/**
 * klp_settings_forget() - a module goes, or has failed to come
 * @mod:	the module
 */
void klp_settings_forget(const struct module *mod)
{
	struct klp_settings *settings = klp_settings_find(mod);

	if (!settings)
		return;

	list_del(&settings->node);
	kfree(settings);
}

/*
 * What is set for all.
 */

static ssize_t default_consistency_show(struct kobject *kobj,
					struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n",
			  klp_consistency_names[READ_ONCE(klp_default_mode)]);
}

static ssize_t default_consistency_store(struct kobject *kobj,
					 struct kobj_attribute *attr,
					 const char *buf, size_t count)
{
	enum klp_consistency mode;
	int ret;

	if (!capable(CAP_SYS_MODULE))
		return -EPERM;

	ret = klp_parse_mode(buf, &mode);
	if (ret)
		return ret;

	mutex_lock(&klp_mutex);
	WRITE_ONCE(klp_default_mode, mode);
	mutex_unlock(&klp_mutex);

	return count;
}

static struct kobj_attribute default_consistency_kobj_attr =
	__ATTR(consistency, 0644, default_consistency_show,
	       default_consistency_store);

/**
 * klp_settings_init() - add the file that is about all livepatches
 * @klp_root_kobj:	/sys/kernel/livepatch
 *
 * Return: 0, or an error of sysfs
 */
int __init klp_settings_init(struct kobject *klp_root_kobj)
{
	return sysfs_create_file(klp_root_kobj,
				 &default_consistency_kobj_attr.attr);
}

/*
 * What is set for a livepatch. Its attributes have the names of the settings.
 */

static ssize_t klp_setting_show(struct kobject *kobj,
				struct kobj_attribute *attr, char *buf)
{
	struct klp_patch *patch = container_of(kobj, struct klp_patch, kobj);
	const struct klp_settings *settings;
	ssize_t ret;

	ret = klp_lock_for_sysfs();
	if (ret)
		return ret;

	settings = klp_settings_of(patch);
	if (!strcmp(attr->attr.name, "consistency"))
		ret = sysfs_emit(buf, "%s\n",
				 klp_consistency_names[settings->mode]);
	else if (!strcmp(attr->attr.name, "consistency_attempts"))
		ret = sysfs_emit(buf, "%u\n", settings->attempts);
	else
		ret = sysfs_emit(buf, "%u\n", settings->timeout_ms);
	mutex_unlock(&klp_mutex);

	return ret;
}

static ssize_t klp_setting_store(struct kobject *kobj,
				 struct kobj_attribute *attr, const char *buf,
				 size_t count)
{
	struct klp_patch *patch = container_of(kobj, struct klp_patch, kobj);
	struct klp_settings settings;
	int ret;

	if (!capable(CAP_SYS_MODULE))
		return -EPERM;

	ret = klp_lock_for_sysfs();
	if (ret)
		return ret;

	settings = *klp_settings_of(patch);
	ret = patch == klp_transition_patch ? -EBUSY :
	      klp_settings_set(&settings, attr->attr.name, buf);
	if (!ret && settings.mode != KLP_PER_TASK)
		ret = klp_consistency_prepare();
	if (!ret)
		*klp_settings_find(patch->mod) = settings;
	mutex_unlock(&klp_mutex);

	return ret ? ret : count;
}

#define KLP_SETTING(_name)						\
	static struct kobj_attribute _name##_kobj_attr =		\
		__ATTR(_name, 0600, klp_setting_show, klp_setting_store)

KLP_SETTING(consistency);
KLP_SETTING(consistency_attempts);
KLP_SETTING(consistency_timeout_ms);

static struct attribute *klp_settings_attrs[] = {
	&consistency_kobj_attr.attr,
	&consistency_attempts_kobj_attr.attr,
	&consistency_timeout_ms_kobj_attr.attr,
	NULL
};

/* What is added to the files of each livepatch */
const struct attribute_group klp_settings_group = {
	.attrs = klp_settings_attrs,
};
