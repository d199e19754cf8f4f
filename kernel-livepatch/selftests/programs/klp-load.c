// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-load.c - load a module and say exactly what the kernel answers
 *
 * klp-load [-a NAME] [-t] FILE.ko [PARAMETER]...
 *
 * Prints "loaded", or the name of the error. With -a the module gets another
 * name, which must be as long as its own. With -t a second word is the time it
 * took, in nanoseconds. Exits with 0 when the module is loaded, 1 when it is
 * not, 2 when it was not tried.
 */

#define _GNU_SOURCE
#include <time.h>
#include "klp-module.h"

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

int main(int argc, char **argv)
{
	struct klp_module module;
	const char *name = NULL;
	int opt, timed = 0, err;
	long long start;

	while ((opt = getopt(argc, argv, "+a:t")) != -1) {
		if (opt == 'a')
			name = optarg;
		else if (opt == 't')
			timed = 1;
		else
			return 2;
	}
	if (optind >= argc)
		return 2;

	prepare_module(&module, name, argv + optind);
	start = now_ns();
	err = load_module(&module);
	start = now_ns() - start;

	printf("%s", answer_of(err, "loaded"));
	if (timed)
		printf(" %lld", start);
	printf("\n");

	return err ? 1 : 0;
}
