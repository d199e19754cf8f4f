#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench-consistency.sh MODULES TASKS RUNNING ROUNDS PER_TASK_ROUNDS TRIES
#
# Among TASKS tasks, RUNNING of which want to run all the time, switches a livepatch on and off ROUNDS
# times in each mode, PER_TASK_ROUNDS times task by task. Prints a line for each transition:
# MODE WINDOW_NS STOP_NS ELAPSED_MS
#
# Then a transition is tried for a second in each mode in turn, and none at all for another, TRIES times, while
# a task sleeps where it is in the way to the end. Meanwhile another one measures how long others wait:
# latency MODE fork|kill|switch NS
# and each try that fails prints: standstill MODE STOPS LONGEST_STOP_NS

set -u
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
MODULES=$(realpath "${1:?usage: bench-consistency.sh MODULES TASKS RUNNING ROUNDS PER_TASK_ROUNDS TRIES}")
SYSFS=/sys/kernel/livepatch
STATS=/sys/kernel/debug/livepatch/transitions
# Where earlier series tell the same, to be compared with.
[ ! -e $SYSFS/transition_stats ] || STATS=$SYSFS/transition_stats

# More than fit by default, and more than small kernels admit.
insmod "$MODULES/klp_pids.ko" addr="0x$(sed -n 's/ . pid_max_max$//p' /proc/kallsyms)" max=200000 || exit 1
echo 200000 >/proc/sys/kernel/pid_max
echo 200000 >/proc/sys/kernel/threads-max
echo 200000 >/proc/sys/vm/max_map_count
# Modules wait for grace periods when they come and go, which is not what is measured.
echo 1 >/sys/kernel/rcu_expedited
mkfifo /dev/shm/klp-crowd || exit 1
# Nobody ever writes to it: reading it with a timeout is a sleep without a program.
exec {NEVER}<> <(:)
# Whoever measures must not queue behind the crowd, nor those that a load waits for: RCU, softirqs, workers.
chrt -f -p 1 $$ || exit 1
for task in $(pgrep -P 2); do
	# Workers come and go. Who stops CPUs has a class of its own, and would lose it.
	read -r comm <"/proc/$task/comm" && [[ $comm != migration/* ]] && chrt -f -p 1 "$task"
done 2>/dev/null
"$MODULES/klp-crowd" "$2" "$3" >/dev/shm/klp-crowd &
crowd=$!
read -r answer </dev/shm/klp-crowd
[ "$answer" = ready ] || exit 1
insmod "$MODULES/klp_oracle.ko" || exit 1

measure() { # MODE ROUNDS
	echo "$1" >$SYSFS/consistency
	"$MODULES/klp-switch" "$MODULES/klp_oracle_new.ko" klp_oracle_new "$2" 2>&1 |
		awk '$1 == "mode" { mode = $2 }
			$1 == "window_ns" { window = $2 }
			$1 == "stop_ns" { stop = $2 }
			$1 == "elapsed_ms" { print mode, window, stop, $2 }'
}

doze() { # SECONDS
	read -rt "$1" -u "$NEVER"
}

# The one who measures is like others: it has no realtime priority.
wait_and_measure() { # MODE
	chrt -o 0 "$MODULES/klp-latency" --samples 1000 >/dev/shm/klp-latency
	sed "s/^/latency $1 /" /dev/shm/klp-latency
}

# A second in which nothing can be switched. What the kernel does when its time runs out is not waited for.
try() { # MODE
	local enabled=$SYSFS/klp_a01/enabled

	if [ "$1" = none ]; then
		wait_and_measure none
		return
	fi
	echo "$1" >$SYSFS/consistency
	"$MODULES/klp-load" -a klp_a01 "$MODULES/klp_p00.ko" funcs=klp_oracle:klp_oracle_rare >/dev/null
	wait_and_measure "$1"
	[ "$1" = per_task ] || awk -v mode="$1" '$1 == "patch" && seen++ { exit }
		$1 == "stops" { stops = $2 }
		$1 == "stop_ns" { print "standstill", mode, stops, $3 }' $STATS
	echo 0 >"$enabled"
	while [ -e "$enabled" ]; do doze 0.01; done
	while ! rmmod klp_a01 2>/dev/null; do doze 0.01; done
}

measure system "$4"
measure stop_machine "$4"
measure per_task "$5"

echo 1 >/sys/module/klp_oracle/parameters/hold
{ echo 5 0 >/proc/klp_oracle; } &
# In turn, so that what else the host does meets all of them.
for ((i = 0; i < $6; i++)); do
	for mode in none system stop_machine per_task; do try $mode; done
done
echo 0 >/sys/module/klp_oracle/parameters/hold
echo per_task >$SYSFS/consistency
kill $crowd
