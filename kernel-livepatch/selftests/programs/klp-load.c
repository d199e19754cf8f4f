// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-load.c - load a module and say exactly what the kernel answers
 *
 * klp-load [-n NTH] [-t] FILE.ko [PARAMETER]...
 *
 * Prints "loaded", or the name of the error. With -n the kernel fails the NTH
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
	int opt, module, nth_fd = -1, timed = 0, hit = 0, err;
	const char *nth = NULL;
	char *parameters;
	long long start;

	while ((opt = getopt(argc, argv, "+n:t")) != -1) {
		if (opt == 'n')
			nth = optarg;
		else if (opt == 't')
			timed = 1;
		else
			return 2;
	}
	if (optind >= argc)
		return 2;

	module = open(argv[optind], O_RDONLY | O_CLOEXEC);
	if (module < 0)
		die(argv[optind]);
	parameters = join(argv + optind + 1);

	if (nth) {
		nth_fd = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
		if (nth_fd < 0)
			die(FAIL_NTH);
		arm(nth_fd, nth);
	}

	start = now_ns();
	err = syscall(SYS_finit_module, module, parameters, 0) ? errno : 0;
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
