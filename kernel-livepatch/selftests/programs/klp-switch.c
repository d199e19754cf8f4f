// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-switch.c - switch a livepatch on and off, again and again
 *
 * klp-switch FILE.ko NAME ROUNDS [PAUSE_USECS]
 *
 * Loads, waits, disables, waits, unloads. Prints "switched N failed M": how many
 * transitions, two a round at most, ended as asked for and how many were taken
 * back. What the kernel tells of the successful ones goes to stderr.
 * It waits for PAUSE_USECS before it unloads: when the core makes a mistake on
 * purpose, tasks may be left in the code that is about to go.
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

#define SYSFS "/sys/kernel/livepatch"
#define TRANSITIONS "/sys/kernel/debug/livepatch/transitions"
/* Where earlier series tell the same, to be compared with */
#define EARLIER "/sys/kernel/livepatch/transition_stats"

static const char *name;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void wait_a_moment(void)
{
	struct timespec moment = { .tv_nsec = 500000 };

	nanosleep(&moment, NULL);
}

static void file_of(const char *file, char *path, size_t size)
{
	snprintf(path, size, SYSFS "/%s/%s", name, file);
}

/* First byte of a file of the livepatch, -1 when that has gone */
static int first_byte(const char *file)
{
	char path[256], byte;
	int fd;

	file_of(file, path, sizeof(path));
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	if (read(fd, &byte, 1) != 1)
		byte = -1;
	close(fd);
	return byte;
}

/* The livepatch is there and nothing moves, or it has gone */
static int settle(void)
{
	int byte;

	while ((byte = first_byte("transition")) == '1')
		wait_a_moment();
	return byte;
}

static void report(void)
{
	char text[4096];
	FILE *transitions = fopen(EARLIER, "r");
	unsigned int nr = 0;

	if (!transitions)
		transitions = fopen(TRANSITIONS, "r");
	if (!transitions)
		die(TRANSITIONS);
	/* The latest one comes first, then that of each livepatch */
	while (fgets(text, sizeof(text), transitions)) {
		if (!strncmp(text, "patch ", 6) && nr++)
			break;
		fputs(text, stderr);
	}
	fclose(transitions);
}

static int load(const char *ko)
{
	int fd = open(ko, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die(ko);
	while (syscall(SYS_finit_module, fd, "", 0)) {
		if (errno != EBUSY)
			die("finit_module");
		wait_a_moment();
	}
	close(fd);
	return settle() == '0' && first_byte("enabled") == '1';
}

/* Returns whether it has gone; it may have before this is called */
static int disable(void)
{
	char path[256];
	int fd;

	file_of("enabled", path, sizeof(path));
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return 1;
	if (write(fd, "0", 1) != 1 && errno != ENODEV)
		die(path);
	close(fd);

	/* Its files go after the transition has ended */
	while (first_byte("enabled") == '0' || settle() == '1')
		wait_a_moment();
	return first_byte("enabled") < 0;
}

static void unload(void)
{
	while (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		if (errno != EAGAIN && errno != EBUSY && errno != EWOULDBLOCK)
			die("delete_module");
		wait_a_moment();
	}
}

int main(int argc, char **argv)
{
	int i, rounds, pause, switched = 0, failed = 0;

	if (argc != 4 && argc != 5) {
		fprintf(stderr,
			"usage: klp-switch FILE.ko NAME ROUNDS [PAUSE_USECS]\n");
		return 2;
	}
	name = argv[2];
	rounds = atoi(argv[3]);
	pause = argc == 5 ? atoi(argv[4]) : 0;

	for (i = 0; i < rounds; i++) {
		if (load(argv[1])) {
			switched++;
			report();
			while (!disable())
				failed++;
			switched++;
			report();
		} else {
			failed++;
			while (first_byte("enabled") >= 0)
				wait_a_moment();
		}
		usleep(pause);
		unload();
	}

	printf("switched %d failed %d\n", switched, failed);
	return 0;
}
