// SPDX-License-Identifier: GPL-2.0-only
/*
 * grant.c - permission for one livepatch to shadow others, once
 *
 * A grant is written to /sys/kernel/livepatch/override and waits there for the
 * module that it names. The first load of that module claims it, as soon as
 * the module loader knows what it has before it. Whatever becomes of that load,
 * no other load can use the grant. When the load succeeds, the grant stays with
 * the livepatch until the livepatch goes.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/buildid.h>
#include <linux/ctype.h>
#include <linux/elf.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/livepatch.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include "core.h"
#include "grant.h"

/* Far more than an administrator or an agent ever has in flight */
#define KLP_MAX_WAITING_GRANTS	16

/**
 * struct klp_grant - permission to shadow
 * @node:	node in klp_waiting_grants or klp_attached_grants
 * @patch:	livepatch that was loaded under this grant, NULL before
 * @claimed:	the load that may use this grant has begun
 * @names:	name of the new livepatch, then those of the victims, each
 *		terminated by a NUL; then one more NUL. A victim is NAME, or
 *		NAME@IDENTITY
 */
struct klp_grant {
	struct list_head node;
	struct klp_patch *patch;
	bool claimed;
	char names[];
};

/* Both are protected by klp_mutex */
static LIST_HEAD(klp_waiting_grants);
static LIST_HEAD(klp_attached_grants);

static const char *klp_next_name(const char *name)
{
	return name + strlen(name) + 1;
}

static size_t klp_name_len(const char *str, const char *end)
{
	const char *start = str;

	while (str < end && isascii(*str) && isgraph(*str) && *str != ',')
		str++;

	return str - start;
}

/* Without @IDENTITY */
static size_t klp_bare_len(const char *name, size_t len)
{
	const char *at = memchr(name, '@', len);

	return at ? at - name : len;
}

/*
 * Reads NAME, which must be followed by one of @separators, and goes on behind
 * that. Returns the separator, or NUL when this is not the expected text.
 */
static char klp_parse_name(const char **pos, const char *end,
			   const char *separators, struct klp_grant *grant,
			   size_t *used)
{
	size_t len = klp_name_len(*pos, end);
	char separator;

	if (!klp_bare_len(*pos, len) || *pos + len == end ||
	    klp_bare_len(*pos, len) >= MODULE_NAME_LEN)
		return '\0';

	separator = (*pos)[len];
	if (!separator || !strchr(separators, separator))
		return '\0';

	memcpy(grant->names + *used, *pos, len);
	grant->names[*used + len] = '\0';
	*used += len + 1;
	*pos += len + 1;
	return separator;
}

static bool klp_same_bare_name(const char *a, const char *b)
{
	size_t len = klp_bare_len(a, strlen(a));

	return len == klp_bare_len(b, strlen(b)) && !strncmp(a, b, len);
}

static bool klp_names_repeat(const char *names)
{
	const char *name, *later;

	for (name = names; *name; name = klp_next_name(name)) {
		for (later = klp_next_name(name); *later;
		     later = klp_next_name(later)) {
			if (klp_same_bare_name(name, later))
				return true;
		}
	}

	return false;
}

/* Text is "NEW VICTIM[@IDENTITY][,...]\n", nothing more and nothing less */
static int klp_grant_parse(struct klp_grant *grant, const char *pos,
			   const char *end)
{
	size_t used = 0;
	char separator;

	/* It is not there yet, so that its identity cannot be looked at */
	if (klp_parse_name(&pos, end, " ", grant, &used) != ' ' ||
	    strchr(grant->names, '@'))
		return -EINVAL;

	do {
		separator = klp_parse_name(&pos, end, ",\n", grant, &used);
	} while (separator == ',');

	if (separator != '\n' || pos != end || klp_names_repeat(grant->names))
		return -EINVAL;

	return 0;
}

static struct klp_grant *klp_find_waiting(const char *patch_name)
{
	struct klp_grant *grant;

	list_for_each_entry(grant, &klp_waiting_grants, node) {
		if (!strcmp(grant->names, patch_name))
			return grant;
	}

	return NULL;
}

static unsigned int klp_count_waiting(void)
{
	struct klp_grant *grant;
	unsigned int nr = 0;

	list_for_each_entry(grant, &klp_waiting_grants, node)
		nr++;

	return nr;
}

static struct klp_grant *klp_find_oldest_claimed(void)
{
	struct klp_grant *grant;

	list_for_each_entry(grant, &klp_waiting_grants, node) {
		if (grant->claimed)
			return grant;
	}

	return NULL;
}

/*
 * A later grant for the same livepatch takes the place of the earlier one. When
 * too many wait, the oldest goes that a load has claimed: that load has failed,
 * or else it is still on its way and will be refused.
 */
static int klp_grant_enqueue(struct klp_grant *grant)
{
	klp_grant_free(klp_find_waiting(grant->names));
	if (klp_count_waiting() >= KLP_MAX_WAITING_GRANTS)
		klp_grant_free(klp_find_oldest_claimed());
	if (klp_count_waiting() >= KLP_MAX_WAITING_GRANTS)
		return -ENOSPC;

	list_add_tail(&grant->node, &klp_waiting_grants);
	return 0;
}

/**
 * klp_grant_add() - take in a grant written by user space
 * @buf:	"NEW VICTIM[@IDENTITY][,...]", a newline at the end may be missing
 * @count:	bytes in @buf
 *
 * Return: 0; -EINVAL for any other text, also one that names a patch twice;
 * -E2BIG when the text may be cut off; -ENOSPC when too many grants wait;
 * -ENOMEM
 */
int klp_grant_add(const char *buf, size_t count)
{
	struct klp_grant *grant;
	char *text;
	int ret;

	/* sysfs hands over one page at most, and the rest in a second call */
	if (count >= PAGE_SIZE)
		return -E2BIG;

	grant = kzalloc(struct_size(grant, names, count + 2), GFP_KERNEL);
	text = kmalloc(count + 1, GFP_KERNEL);
	if (!grant || !text) {
		ret = -ENOMEM;
		goto out;
	}
	INIT_LIST_HEAD(&grant->node);

	memcpy(text, buf, count);
	if (!count || text[count - 1] != '\n')
		text[count++] = '\n';

	ret = klp_grant_parse(grant, text, text + count);
	if (ret)
		goto out;

	mutex_lock(&klp_mutex);
	ret = klp_grant_enqueue(grant);
	mutex_unlock(&klp_mutex);
out:
	if (ret)
		kfree(grant);
	kfree(text);
	return ret;
}

/**
 * klp_load_begins() - the module loader has recognised a livepatch
 * @patch_name:	name of the module
 *
 * A grant that an earlier load has claimed and not taken up expires here: that
 * load has failed, or is a rival for the same name, which fails as well.
 */
void klp_load_begins(const char *patch_name)
{
	struct klp_grant *grant;

	mutex_lock(&klp_mutex);
	grant = klp_find_waiting(patch_name);
	if (grant && grant->claimed)
		klp_grant_free(grant);
	else if (grant)
		grant->claimed = true;
	mutex_unlock(&klp_mutex);
}

/**
 * klp_grant_take() - take the grant that the running load has claimed
 * @patch_name:	name of the livepatch that is being loaded
 *
 * Return: the grant, which now belongs to the caller, or NULL
 */
struct klp_grant *klp_grant_take(const char *patch_name)
{
	struct klp_grant *grant = klp_find_waiting(patch_name);

	if (!grant || !grant->claimed)
		return NULL;

	list_del_init(&grant->node);
	return grant;
}

/**
 * klp_grant_free() - a grant is of no use any more
 * @grant:	the grant, may be NULL
 */
void klp_grant_free(struct klp_grant *grant)
{
	if (grant)
		list_del(&grant->node);
	kfree(grant);
}

/* The build ID that the linker has given to a livepatch, whose sections are kept */
static bool klp_has_build_id(const struct module *mod, const char *identity)
{
	const struct klp_modinfo *info = mod->klp_info;
	unsigned char build_id[BUILD_ID_SIZE_MAX] = {};
	char text[2 * BUILD_ID_SIZE_MAX + 1];
	const Elf_Shdr *shdr;
	unsigned int i;

	for (i = 1; info && i < info->hdr.e_shnum; i++) {
		shdr = &info->sechdrs[i];
		if (strcmp(info->secstrings + shdr->sh_name,
			   ".note.gnu.build-id"))
			continue;
		if (build_id_parse_buf((void *)shdr->sh_addr, build_id,
				       shdr->sh_size))
			return false;
		*bin2hex(text, build_id, sizeof(build_id)) = '\0';
		return !strcmp(text, identity);
	}

	return false;
}

static bool klp_has_identity(const struct module *mod, const char *identity)
{
	if (mod->srcversion && !strcmp(mod->srcversion, identity))
		return true;

	return klp_has_build_id(mod, identity);
}

/**
 * klp_grant_names() - does a grant cover this victim?
 * @grant:	the grant, NULL covers nothing
 * @victim:	livepatch that would be shadowed
 *
 * Return: true when it has the victim's name, and its identity if it has one
 */
bool klp_grant_names(const struct klp_grant *grant, const struct module *victim)
{
	const char *name, *at;

	if (!grant)
		return false;

	for (name = klp_next_name(grant->names); *name;
	     name = klp_next_name(name)) {
		if (!klp_same_bare_name(name, victim->name))
			continue;
		at = strchr(name, '@');
		return !at || klp_has_identity(victim, at + 1);
	}

	return false;
}

/**
 * klp_grant_attach() - a livepatch is loaded under a grant
 * @grant:	the grant, may be NULL
 * @patch:	the livepatch, owns @grant from now on
 */
void klp_grant_attach(struct klp_grant *grant, struct klp_patch *patch)
{
	if (!grant)
		return;

	grant->patch = patch;
	list_add_tail(&grant->node, &klp_attached_grants);
}

/**
 * klp_grant_of() - the grant that a livepatch was loaded under
 * @patch:	the livepatch
 *
 * Return: the grant, or NULL
 */
const struct klp_grant *klp_grant_of(const struct klp_patch *patch)
{
	const struct klp_grant *grant;

	list_for_each_entry(grant, &klp_attached_grants, node) {
		if (grant->patch == patch)
			return grant;
	}

	return NULL;
}

/**
 * klp_grant_detach() - a livepatch goes, and its grant with it
 * @patch:	the livepatch
 */
void klp_grant_detach(struct klp_patch *patch)
{
	klp_grant_free((struct klp_grant *)klp_grant_of(patch));
}

/**
 * klp_grant_print() - print the victims that a grant names
 * @grant:	the grant
 * @text:	gets " VICTIM" for each of them
 */
void klp_grant_print(const struct klp_grant *grant, struct seq_buf *text)
{
	const char *name;

	for (name = klp_next_name(grant->names); *name;
	     name = klp_next_name(name))
		seq_buf_printf(text, " %s", name);
}
