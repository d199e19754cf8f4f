#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench.sh MODULES
#
# Prints one JSON document about the running kernel, patched core or stock:
#   loadNs     load of a livepatch of 200 functions, median of 5
#   lookupNs   the same with one more function that does not exist: the load fails when the symbols
#              have been looked up, before ftrace gets to work
#   checkNs    the conflict check alone, median of 5, with 0, 10 and 100 livepatches loaded;
#              null on a stock kernel
# Compare the two kernels in runs on the same machine, one after the other.

set -u
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd "$(dirname "$0")" || exit 2
MODULES=$(realpath "${1:?usage: bench.sh MODULES}")
WORK=$(mktemp -d /dev/shm/klp-bench-XXXXXX) || exit 2
trap 'rm -rf "$WORK"' EXIT
PINNED=""
# shellcheck source=harness.sh
. ./harness.sh

FUNCTIONS=200
ROUNDS=5

median() {
	sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}

# Functions of a file system that is not mounted: nobody calls them.
functions() { # FROM COUNT
	sed 's/ .*//' /sys/kernel/tracing/available_filter_functions | grep -E '^_*ext4_' |
		grep -v '[.]' | sort | uniq -u | tail -n "+$1" | head -n "$2" |
		sed 's/^/vmlinux:/' | paste -sd ,
}

timed_load() { # EXPECTED NAME [PARAMETER]... -- prints nanoseconds
	local expected=$1 answer

	shift
	answer=$(try_load -t "$@")
	[ "${answer% *}" = "$expected" ] || fail "load: expected '$expected', got '$answer'"
	echo "${answer#* }"
}

measure_loads() {
	local round

	for ((round = 0; round < ROUNDS; round++)); do
		timed_load loaded klp_low "funcs=$(functions 1 $FUNCTIONS)" || return
		wait_until settled klp_low
		unload klp_low
	done | median
}

measure_lookups() {
	local round

	for ((round = 0; round < ROUNDS; round++)); do
		timed_load EINVAL klp_low "funcs=$(functions 1 $FUNCTIONS),vmlinux:no_such_function"
	done | median
}

# The new livepatch has 200 functions, each of the others has one.
measure_check() { # NUMBER-OF-LOADED-PATCHES
	local round n

	[ -e "$SYSFS/override" ] || { echo null; return; }
	for ((n = $(stack | wc -w); n < $1; n++)); do
		load "klp_b$(printf %02d "$n")" "funcs=$(functions $((FUNCTIONS + 1 + n)) 1)"
	done
	for ((round = 0; round < ROUNDS; round++)); do
		timed_load EINVAL klp_new "funcs=$(functions 1 $FUNCTIONS),vmlinux:no_such_function" \
			>/dev/null
		cat /sys/module/klp_stopwatch/parameters/last_ns
	done | median
}

mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
[ ! -e "$SYSFS/override" ] || load klp_stopwatch func=klp_check_conflicts

loads=$(measure_loads) || { echo "$loads"; exit 1; }
lookups=$(measure_lookups)
zero=$(measure_check 0)
ten=$(measure_check 10)
hundred=$(measure_check 100)
printf '{"kernel":"%s","patchedCore":%s,"functions":%d,"loadNs":%s,"lookupNs":%s,"checkNs":{"0":%s,"10":%s,"100":%s}}\n' \
	"$(uname -r)" "$([ -e "$SYSFS/override" ] && echo true || echo false)" $FUNCTIONS \
	"$loads" "$lookups" "$zero" "$ten" "$hundred"
