#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# glibc 2.36 (Debian 12, 2.36-9+deb12u14), x86-64, strace 6.1, gcc 12.2.
#
# Whoever livepatches a system call's own function (`__do_sys_semop`), probes it, or looks for sleepers in it meets no program
# that calls it by its name through glibc: the wrapper calls a younger sibling. Sleepers in semop() sleep in semtimedop(),
# those in sleep() and nanosleep() in clock_nanosleep(), those in select() in pselect6(). A fix of the function that the name
# suggests is loaded, enabled and never run; the one that all of them share (`do_semtimedop`) has to be changed. poll(), inotify_init() and
# pause() are what they say on x86-64, so the rule cannot be guessed from one case.
#
# Seen:
#   semop -> semtimedop
#   nanosleep -> clock_nanosleep
#   sleep -> clock_nanosleep
#   select -> pselect6
#   poll -> poll
#   wait -> wait4
#   inotify_init -> inotify_init
#   epoll_wait -> epoll_wait
set -euo pipefail
ldd --version | grep -qF 'GLIBC 2.36' || { echo 'another version of glibc'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >probe.c <<'C'
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	const char *call = argv[1];
	struct timespec time = { 0, 1000 };
	struct timeval short_time = { 0, 1000 };
	struct epoll_event event;
	struct sembuf up = { 0, 1, 0 };
	int set = semget(IPC_PRIVATE, 1, 0600), epoll = epoll_create1(0);

	/* What comes after this is the call's own. */
	access("/begin", F_OK);
	if (!strcmp(call, "semop")) semop(set, &up, 1);
	else if (!strcmp(call, "nanosleep")) nanosleep(&time, NULL);
	else if (!strcmp(call, "sleep")) sleep(1);
	else if (!strcmp(call, "select")) select(0, NULL, NULL, NULL, &short_time);
	else if (!strcmp(call, "poll")) poll(NULL, 0, 1);
	else if (!strcmp(call, "wait")) wait(NULL);
	else if (!strcmp(call, "inotify_init")) inotify_init();
	else if (!strcmp(call, "epoll_wait")) epoll_wait(epoll, &event, 1, 1);
	access("/end", F_OK);
	semctl(set, 0, IPC_RMID);
	return 0;
}
C
gcc -O2 -o probe probe.c
for call in semop nanosleep sleep select poll wait inotify_init epoll_wait; do
  strace -o trace ./probe "$call"
  echo "$call -> $(sed -n '/"\/begin"/,/"\/end"/p' trace | grep -v '"/begin"\|"/end"' | sed 's/(.*//' | sort -u | tr '\n' ' ' | sed 's/ $//')"
done | tee seen
diff - seen <<'SEEN'
semop -> semtimedop
nanosleep -> clock_nanosleep
sleep -> clock_nanosleep
select -> pselect6
poll -> poll
wait -> wait4
inotify_init -> inotify_init
epoll_wait -> epoll_wait
SEEN
