// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-crowd.c - be many tasks
 *
 * klp-crowd TASKS RUNNING [idle]
 *
 * RUNNING of the TASKS want to run all the time, the others sleep; these are as
 * cheap as a task can be, a kilobyte of user memory. Who runs lets
 * the next one run after a moment: so more of them run while a transition checks
 * them than with whole time slices, and ftrace, which waits until each task has
 * been switched or seen in user mode, is not what is measured. Prints
 * "ready" when all of them are there, and goes on until it is killed.
 *
 * Those that run get what others leave when they are to be idle. If not, start
 * it with a realtime priority, which they do not get: it would queue behind
 * those that run already to start the next, for hours.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Below a millisecond */
#define LOOPS	50000

#define SLEEPER_STACK	1024
#define SLEEPER_FLAGS	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
			 CLONE_THREAD | CLONE_SYSVSEM)

/* Do those that run get what others leave? */
static bool idle;

/* On a stack that is too small for a signal handler; there is none */
static int sleep_on(void *unused)
{
	(void)unused;
	while (pause())
		;
	return 0;
}

static int start_sleepers(int tasks)
{
	char *stacks = mmap(NULL, (size_t)tasks * SLEEPER_STACK + 1,
			    PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int i;

	if (stacks == MAP_FAILED)
		return errno;
	for (i = 1; i <= tasks; i++) {
		if (clone(sleep_on, stacks + (size_t)i * SLEEPER_STACK,
			  SLEEPER_FLAGS, NULL) < 0)
			return errno;
	}
	return 0;
}

static void *run_on(void *unused)
{
	struct sched_param param = { .sched_priority = 0 };
	int i;

	/* No attribute of a thread can say so */
	if (idle && sched_setscheduler(0, SCHED_IDLE, &param))
		exit(1);
	for (;;) {
		for (i = 0; i < LOOPS; i++)
			__asm__ __volatile__("");
		/*
		 * Emulated processors that share a thread take turns at it.
		 * Otherwise each keeps it for a tenth of a second, and
		 * whoever waits for all of them waits that long for each.
		 */
		__builtin_ia32_pause();
		sched_yield();
	}
	return unused;
}

int main(int argc, char **argv)
{
	struct sched_param param = { .sched_priority = 0 };
	pthread_attr_t attr;
	pthread_t thread;
	int i, ret, tasks, running;

	idle = argc == 4 && !strcmp(argv[3], "idle");
	if (argc != 3 && !idle) {
		fprintf(stderr, "usage: klp-crowd TASKS RUNNING [idle]\n");
		return 2;
	}
	tasks = atoi(argv[1]);
	running = atoi(argv[2]);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);

	/* They inherit it, and never use it */
	ret = start_sleepers(tasks - running);
	for (i = 0; i < running && !ret; i++)
		ret = pthread_create(&thread, &attr, run_on, NULL);
	if (ret) {
		fprintf(stderr, "klp-crowd: no more tasks: %s\n", strerror(ret));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	sleep_on(NULL);
}
