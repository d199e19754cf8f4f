/* SPDX-License-Identifier: GPL-2.0-only */
/* klp-module.h - a module file in memory, on its way into the kernel */
#ifndef KLP_MODULE_H
#define KLP_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct klp_module {
	char *image;
	size_t size;
	char *parameters;
};

static void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(2);
}

static char *join(char **words)
{
	size_t size = 1;
	char *text;
	int i;

	for (i = 0; words[i]; i++)
		size += strlen(words[i]) + 1;

	text = calloc(1, size);
	if (!text)
		die("parameters");

	for (i = 0; words[i]; i++) {
		strcat(text, words[i]);
		strcat(text, " ");
	}

	return text;
}

/* The file in memory that is ours to change */
static char *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *image;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	image = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		die(path);
	close(fd);

	*size = st.st_size;
	return image;
}

/* The name is that of the file, and stands in many strings of the module */
static void rename_module(struct klp_module *module, const char *path,
			  const char *name)
{
	const char *slash = strrchr(path, '/');
	const char *old_name = slash ? slash + 1 : path;
	size_t len = strcspn(old_name, ".");
	char *end = module->image + module->size;
	char *at = module->image;

	errno = EINVAL;
	if (strlen(name) != len)
		die(name);

	while ((at = memmem(at, end - at, old_name, len)))
		memcpy(at, name, len);
}

/* @argv is FILE.ko and the parameters; @name takes the place of its name, unless it is NULL */
static void prepare_module(struct klp_module *module, const char *name,
			   char **argv)
{
	module->image = map_file(argv[0], &module->size);
	if (name)
		rename_module(module, argv[0], name);
	module->parameters = join(argv + 1);
}

static int load_module(const struct klp_module *module)
{
	return syscall(SYS_init_module, module->image, module->size,
		       module->parameters) ? errno : 0;
}

static const char *answer_of(int err, const char *success)
{
	return err ? strerrorname_np(err) : success;
}

#endif /* KLP_MODULE_H */
