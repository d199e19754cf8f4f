// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-latency.c - how long do others wait while a livepatch is switched?
 *
 * klp-latency MSECS
 * klp-latency --samples MSECS
 * klp-latency --switches COUNT
 *
 * Measures again and again how long it takes to fork a task, have it exit and
 * wait for it, to send a signal to oneself, and to switch to another task and
 * back. Prints a line for each: "fork MEDIAN P99 LONGEST COUNT", "kill ...",
 * "switch ...", in ns, when the time is over; with --samples a line for each
 * time: "fork NS". With
 * --switches it measures only what COUNT switches between two tasks on one CPU
 * take, several times, and prints the ns of one in the quickest of these.
 */

#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES	1000000
#define PAUSE_USECS	500
#define BATCHES		20

enum { FORK, KILL, SWITCH, KINDS };

static const char * const names[KINDS] = { "fork", "kill", "switch" };
static long long *samples[KINDS];
static size_t nr[KINDS];
static int to_peer[2], from_peer[2];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void ignore(int sig)
{
	(void)sig;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid)
		_exit(0);
	while (waitpid(pid, NULL, 0) != pid)
		;
}

static void do_kill(void)
{
	if (kill(getpid(), SIGUSR1))
		die("kill");
}

/* There and back: two switches, if both have the CPU to themselves */
static void do_switch(void)
{
	char byte = 0;

	if (write(to_peer[1], &byte, 1) != 1)
		die("write");
	while (read(from_peer[0], &byte, 1) != 1)
		;
}

static void start_peer(void)
{
	char byte;
	pid_t pid;

	if (pipe(to_peer) || pipe(from_peer))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(to_peer[0], &byte, 1) == 1) {
		if (write(from_peer[1], &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static void measure(int kind, void (*act)(void))
{
	long long began = now_ns();

	act();
	if (nr[kind] < MAX_SAMPLES)
		samples[kind][nr[kind]++] = now_ns() - began;
}

static int compare(const void *a, const void *b)
{
	long long left = *(const long long *)a, right = *(const long long *)b;

	return (left > right) - (left < right);
}

static void print_samples(int kind)
{
	size_t i;

	for (i = 0; i < nr[kind]; i++)
		printf("%s %lld\n", names[kind], samples[kind][i]);
}

static void report(int kind)
{
	long long *of = samples[kind];
	size_t n = nr[kind];

	if (!n)
		return;
	qsort(of, n, sizeof(*of), compare);
	printf("%s %lld %lld %lld %zu\n", names[kind], of[(n - 1) / 2],
	       of[(99 * n - 1) / 100], of[n - 1], n);
}

/* Whatever disturbs it makes a batch longer: the shortest is what counts */
static int measure_switches(int count)
{
	long long began, ns, best = 0;
	cpu_set_t set;
	int i, batch;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
	start_peer();
	for (batch = 0; batch < BATCHES; batch++) {
		began = now_ns();
		for (i = 0; i < count; i += 2)
			do_switch();
		ns = now_ns() - began;
		if (!best || ns < best)
			best = ns;
	}
	printf("%.1f\n", (double)best / count);
	return 0;
}

int main(int argc, char **argv)
{
	long long until;
	int kind, all;

	if (argc == 3 && !strcmp(argv[1], "--switches") && atoi(argv[2]) > 0)
		return measure_switches(atoi(argv[2]));
	all = argc == 3 && !strcmp(argv[1], "--samples");
	if (argc != 2 + all || atoi(argv[1 + all]) <= 0) {
		fprintf(stderr,
			"usage: klp-latency [--samples] MSECS|--switches COUNT\n");
		return 2;
	}
	signal(SIGUSR1, ignore);
	for (kind = 0; kind < KINDS; kind++) {
		samples[kind] = malloc(MAX_SAMPLES * sizeof(**samples));
		if (!samples[kind])
			die("malloc");
	}
	start_peer();

	until = now_ns() + 1000000LL * atoi(argv[1 + all]);
	while (now_ns() < until) {
		measure(FORK, do_fork);
		measure(KILL, do_kill);
		measure(SWITCH, do_switch);
		usleep(PAUSE_USECS);
	}

	for (kind = 0; kind < KINDS; kind++) {
		if (all)
			print_samples(kind);
		else
			report(kind);
	}
	return 0;
}
