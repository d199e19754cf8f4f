#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench-consistency.sh MODULES TASKS RUNNING ROUNDS
#
# Among TASKS tasks, RUNNING of which want to run all the time, switches a livepatch on and off ROUNDS
# times in each mode. Prints a line for each transition: MODE WINDOW_NS STOP_NS ELAPSED_MS

set -u
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
MODULES=$(realpath "${1:?usage: bench-consistency.sh MODULES TASKS RUNNING ROUNDS}")
SYSFS=/sys/kernel/livepatch

echo 100000 >/proc/sys/kernel/threads-max
echo 200000 >/proc/sys/vm/max_map_count
mkfifo /dev/shm/klp-crowd || exit 1
# Whoever measures must not queue behind the crowd.
chrt -f -p 1 $$ || exit 1
chrt -o 0 "$MODULES/klp-crowd" "$2" "$3" >/dev/shm/klp-crowd &
crowd=$!
read -r answer </dev/shm/klp-crowd
[ "$answer" = ready ] || exit 1
insmod "$MODULES/klp_oracle.ko" || exit 1

for mode in system stop_machine per_task; do
	echo $mode >$SYSFS/consistency
	"$MODULES/klp-switch" "$MODULES/klp_oracle_new.ko" klp_oracle_new "$4" 2>&1 |
		awk '$1 == "mode" { mode = $2 }
			$1 == "window_ns" { window = $2 }
			$1 == "stop_ns" { stop = $2 }
			$1 == "elapsed_ms" { print mode, window, stop, $2 }'
done
kill $crowd
