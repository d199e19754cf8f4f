// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of a machine that has nothing but its initial RAM disk: does what /script says, a command
 * a line, tells each result on the console in a line of its own ("= ..."), and powers off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

static char text[1 << 16];

static ssize_t read_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[bytes < 0 ? 0 : bytes] = 0;
	return bytes;
}

static void tell(const char *what, const char *arg, long failed)
{
	printf("= %s %s: %s\n", what, arg, failed ? strerror(errno) : "ok");
}

static void load(const char *path)
{
	int fd = open(path, O_RDONLY);

	tell("load", path, syscall(SYS_finit_module, fd, "", 0));
	close(fd);
}

static void write_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);

	tell("write", path, write(fd, value, strlen(value)) < 0);
	close(fd);
}

/* The first line of a file. */
static void show(const char *path)
{
	if (read_file(path) < 0)
		tell("show", path, 1);
	else
		printf("= show %s: %s\n", path, strtok(text, "\n") ? text : "");
}

/* Waits until a livepatch has switched, one way or the other. */
static void settle(const char *name)
{
	char path[256];
	int tries = 600;

	snprintf(path, sizeof(path), "/sys/kernel/livepatch/%s/transition", name);
	while (tries-- > 0 && read_file(path) > 0 && text[0] != '0')
		usleep(100 * 1000);
	/* A module that is going is gone a moment later. */
	usleep(500 * 1000);
	printf("= settle %s: %s\n", name, tries > 0 ? "ok" : "still in transition");
}

int main(void)
{
	static char script[1 << 16];
	char *next = script;

	setvbuf(stdout, NULL, _IONBF, 0);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	if (read_file("/script") > 0)
		memcpy(script, text, sizeof(script));
	while (next && *next) {
		char *line = strsep(&next, "\n");
		char *word = strsep(&line, " ");
		char *arg = strsep(&line, " ");

		if (!arg)
			break;
		if (!strcmp(word, "load"))
			load(arg);
		else if (!strcmp(word, "unload"))
			tell(word, arg, syscall(SYS_delete_module, arg, 0));
		else if (!strcmp(word, "show"))
			show(arg);
		else if (!strcmp(word, "write"))
			write_file(arg, line ? line : "");
		else if (!strcmp(word, "settle"))
			settle(arg);
		else
			printf("= %s: no such command\n", word);
	}
	printf("= end of script\n");
	reboot(RB_POWER_OFF);
	pause();
	return 1;
}
