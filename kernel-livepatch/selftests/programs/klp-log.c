// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-log.c - the kernel log, from where the last reader of standard input left
 *
 * klp-log [--skip] </dev/kmsg
 *
 * Prints the messages without their timestamps, or passes them over. Standard
 * input remembers the place, so that a shell that keeps it open reads each
 * message once. Messages that were overwritten before they could be read are
 * an error: nothing could be said about them.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int fail(const char *what)
{
	fprintf(stderr, "klp-log: %s: %s\n", what, strerror(errno));
	return 2;
}

/* A record is "PRIORITY,SEQUENCE,TIME,FLAGS;MESSAGE\n KEY=VALUE\n..." */
static void print_message(const char *record)
{
	const char *message = strchr(record, ';');

	if (message)
		printf("%.*s\n", (int)strcspn(message + 1, "\n"), message + 1);
}

int main(int argc, char **argv)
{
	char record[8192];
	ssize_t len;

	if (fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK))
		return fail("standard input");

	if (argc == 2 && !strcmp(argv[1], "--skip"))
		return lseek(STDIN_FILENO, 0, SEEK_END) < 0 ? fail("seek") : 0;

	while ((len = read(STDIN_FILENO, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		print_message(record);
	}

	return errno == EAGAIN ? 0 : fail("read");
}
