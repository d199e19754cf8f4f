// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-crowd.c - be many tasks
 *
 * klp-crowd TASKS RUNNING
 *
 * RUNNING of the TASKS want to run all the time, the others sleep. Prints
 * "ready" when all of them are there, and goes on until it is killed.
 */

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void *run_on(void *unused)
{
	for (;;)
		__asm__ __volatile__("");
	return unused;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;
	int i, tasks, running;

	if (argc != 3) {
		fprintf(stderr, "usage: klp-crowd TASKS RUNNING\n");
		return 2;
	}
	tasks = atoi(argv[1]);
	running = atoi(argv[2]);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);

	/* Those that run come last: they would keep this one from starting the others */
	for (i = tasks; i > 0; i--) {
		if (pthread_create(&thread, &attr,
				   i <= running ? run_on : sleep_on, NULL)) {
			perror("klp-crowd: pthread_create");
			return 1;
		}
	}
	printf("ready\n");
	fflush(stdout);
	sleep_on(NULL);
}
