// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-unload.c - unload a module and say exactly what the kernel answers
 *
 * klp-unload NAME
 *
 * Prints "unloaded", or the name of the error. Exits with 0 when the module is
 * gone, 1 when it is not. rmmod(8) reads a dozen files first, which takes a
 * quarter of a second under software emulation.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;

	if (syscall(SYS_delete_module, argv[1], O_NONBLOCK)) {
		puts(strerrorname_np(errno));
		return 1;
	}

	puts("unloaded");
	return 0;
}
