// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-exits.c - tasks that exit all the time
 *
 * klp-exits FORKERS
 *
 * Each of the FORKERS forks one task after the other that exits at once, with
 * an IO context (see klp_late.c). Goes on until it is killed.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IOPRIO_WHO_PROCESS	1
#define IOPRIO_BEST_EFFORT	(2 << 13 | 4)
#define PAUSE_USECS		1000

static void fork_on(void)
{
	/* Children are reaped by themselves, and inherit no context */
	for (;;) {
		pid_t pid = fork();

		if (!pid) {
			syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
				IOPRIO_BEST_EFFORT);
			_exit(0);
		}
		usleep(PAUSE_USECS);
	}
}

int main(int argc, char **argv)
{
	int i;

	if (argc != 2) {
		fprintf(stderr, "usage: klp-exits FORKERS\n");
		return 2;
	}
	signal(SIGCHLD, SIG_IGN);
	for (i = atoi(argv[1]); i > 0; i--) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fork_on();
	}
	for (;;)
		pause();
}
