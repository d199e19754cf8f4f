#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench-consistency.sh MODULES TASKS RUNNING ROUNDS PER_TASK_ROUNDS
#
# Among TASKS tasks, RUNNING of which want to run all the time, switches a livepatch on and off ROUNDS
# times in each mode, PER_TASK_ROUNDS times task by task. Prints a line for each transition:
# MODE WINDOW_NS STOP_NS ELAPSED_MS

set -u
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
MODULES=$(realpath "${1:?usage: bench-consistency.sh MODULES TASKS RUNNING ROUNDS PER_TASK_ROUNDS}")
SYSFS=/sys/kernel/livepatch

echo 32768 >/proc/sys/kernel/pid_max
echo 100000 >/proc/sys/kernel/threads-max
echo 200000 >/proc/sys/vm/max_map_count
# Modules wait for grace periods when they come and go, which is not what is measured.
echo 1 >/sys/kernel/rcu_expedited
mkfifo /dev/shm/klp-crowd || exit 1
# Whoever measures must not queue behind the crowd, nor those that a load waits for: RCU, softirqs, workers.
chrt -f -p 1 $$ || exit 1
for task in $(pgrep -P 2); do
	# Workers come and go.
	chrt -f -p 1 "$task" 2>/dev/null
done
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

measure system "$4"
measure stop_machine "$4"
measure per_task "$5"
kill $crowd
