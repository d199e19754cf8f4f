// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-load.c - load a module and say exactly what the kernel answers
 *
 * klp-load [-a NAME] [-n NTH] [-t] FILE.ko [PARAMETER]...
 *
 * Prints "loaded", or the name of the error. With -a the module gets another
 * name, which must be as long as its own. With -n the kernel fails the NTH
 * allocation that it makes for the load, and a second word tells "hit" or
 * "missed". With -t the last word is the time it took, in nanoseconds. Exits
 * with 0 when the module is loaded, 1 when it is not, 2 when it was not tried.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FAIL_NTH "/proc/thread-self/fail-nth"

static void die(const char *what)
{
	fprintf(stderr, "klp-load: %s: %s\n", what, strerror(errno));
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
static void rename_module(char *image, size_t size, const char *path,
			  const char *name)
{
	const char *slash = strrchr(path, '/');
	const char *old_name = slash ? slash + 1 : path;
	size_t len = strcspn(old_name, ".");
	char *at = image;

	errno = EINVAL;
	if (strlen(name) != len)
		die(name);

	while ((at = memmem(at, image + size - at, old_name, len)))
		memcpy(at, name, len);
}

static void arm(int fd, const char *nth)
{
	if (write(fd, nth, strlen(nth)) < 0)
		die(FAIL_NTH);
}

/* The kernel counts down to zero, which it has reached when the fault was hit */
static int disarm(int fd)
{
	char left[32] = "";

	if (pread(fd, left, sizeof(left) - 1, 0) < 0)
		die(FAIL_NTH);
	arm(fd, "0");
	return atoi(left) == 0;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	int opt, nth_fd = -1, timed = 0, hit = 0, err;
	const char *name = NULL, *nth = NULL;
	char *parameters, *image;
	long long start;
	size_t size;

	while ((opt = getopt(argc, argv, "+a:n:t")) != -1) {
		if (opt == 'a')
			name = optarg;
		else if (opt == 'n')
			nth = optarg;
		else if (opt == 't')
			timed = 1;
		else
			return 2;
	}
	if (optind >= argc)
		return 2;

	image = map_file(argv[optind], &size);
	if (name)
		rename_module(image, size, argv[optind], name);
	parameters = join(argv + optind + 1);

	if (nth) {
		nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
		if (nth_fd < 0)
			die(FAIL_NTH);
		arm(nth_fd, nth);
	}

	start = now_ns();
	err = syscall(SYS_init_module, image, size, parameters) ? errno : 0;
	start = now_ns() - start;

	if (nth)
		hit = disarm(nth_fd);

	printf("%s", err ? strerrorname_np(err) : "loaded");
	if (nth)
		printf(" %s", hit ? "hit" : "missed");
	if (timed)
		printf(" %lld", start);
	printf("\n");

	return err ? 1 : 0;
}
