// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-storm.c - run the functions of klp_oracle in all kinds of tasks
 *
 * klp-storm CALLERS-PER-CPU
 *
 * Tasks that call, sleep in the call, move between CPUs, fork, call and exit,
 * that exit with an IO context (see klp_late.c), that are suspended, and that
 * are traced. Goes on until it is killed; its children die with it.
 */

#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH		"/proc/klp_oracle"
/* klp_oracle.h: pass, spin, sleep, yield */
#define WAYS		4
#define INSIDE_USECS	200
#define OUTSIDE_USECS	3000
/* In forks: who only forks leaves most of a CPU to the others */
#define FORKS_A_PAUSE	2
#define FORKS_MEASURED	8
#define IOPRIO_WHO_PROCESS	1
#define IOPRIO_BEST_EFFORT	(2 << 13 | 4)

static int cpus;
static int outside_usecs = OUTSIDE_USECS;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_oracle(void)
{
	int fd = open(PATH, O_WRONLY);

	if (fd < 0)
		die(PATH);
	return fd;
}

static void call(int fd)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d %d", rand() % WAYS,
			   rand() % INSIDE_USECS + 1);

	if (write(fd, text, len) != len)
		die("write to " PATH);
}

static void migrate(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(rand() % cpus, &set);
	/* That CPU may just be offline */
	sched_setaffinity(0, sizeof(set), &set);
}

static void pause_a_while(void)
{
	usleep(outside_usecs / 2 + rand() % outside_usecs);
}

static void run_caller(void)
{
	int fd = open_oracle();
	int i;

	for (i = 0;; i++) {
		call(fd);
		pause_a_while();
		if (i % 16 == 0)
			migrate();
	}
}

/* The child is reaped by itself, as SIGCHLD is ignored */
static void fork_and(void (*act)(int fd), int fd)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		srand(getpid());
		act(fd);
		_exit(0);
	}
}

static void run_forker(void)
{
	int fd = open_oracle();

	for (;;) {
		fork_and(call, fd);
		pause_a_while();
	}
}

static void get_io_context(int fd)
{
	(void)fd;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_BEST_EFFORT))
		die("ioprio_set");
}

static void run_late_exiter(void)
{
	for (;;) {
		fork_and(get_io_context, -1);
		usleep(20 * outside_usecs);
	}
}

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		srand(getpid());
		run();
	}
	return pid;
}

static void run_suspender(void)
{
	pid_t caller = start(run_caller);

	for (;;) {
		kill(caller, SIGSTOP);
		pause_a_while();
		kill(caller, SIGCONT);
		pause_a_while();
	}
}

/* Stops its caller before and after each system call */
static void run_tracer(void)
{
	pid_t caller = start(run_caller);
	int status;

	if (ptrace(PTRACE_SEIZE, caller, 0, 0) ||
	    ptrace(PTRACE_INTERRUPT, caller, 0, 0))
		die("ptrace");
	for (;;) {
		if (waitpid(caller, &status, __WALL) != caller ||
		    !WIFSTOPPED(status))
			die("waitpid");
		if (rand() % 8 == 0)
			pause_a_while();
		if (ptrace(PTRACE_SYSCALL, caller, 0, 0))
			die("ptrace");
	}
}

static long long now_usecs(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/*
 * On a debug kernel all takes longer but the pauses: tasks that wait for a CPU
 * would be in the functions at any time.
 */
static void pause_as_the_kernel_needs(void)
{
	int i, fd = open_oracle();
	long long usecs = -now_usecs();

	for (i = 0; i < FORKS_MEASURED; i++) {
		fork_and(call, fd);
		wait(NULL);
	}
	close(fd);
	usecs = (usecs + now_usecs()) * FORKS_A_PAUSE / FORKS_MEASURED;
	if (usecs > outside_usecs)
		outside_usecs = usecs;
	printf("# pauses of %d us\n", outside_usecs);
	/* Or else each child prints it, too */
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int i, per_cpu;

	if (argc != 2) {
		fprintf(stderr, "usage: klp-storm CALLERS-PER-CPU\n");
		return 2;
	}
	per_cpu = atoi(argv[1]);
	cpus = sysconf(_SC_NPROCESSORS_CONF);
	pause_as_the_kernel_needs();
	signal(SIGCHLD, SIG_IGN);

	for (i = 0; i < per_cpu * cpus; i++)
		start(run_caller);
	start(run_forker);
	start(run_late_exiter);
	start(run_suspender);
	start(run_tracer);

	for (;;)
		pause();
}
