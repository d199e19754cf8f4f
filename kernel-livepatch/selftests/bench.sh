#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bench.sh MODULES load
#	One load of a livepatch of 200 functions, as "LOAD LOOKUP" in nanoseconds. LOOKUP is a load with
#	one more function, which does not exist: it fails when all symbols have been looked up, before
#	ftrace gets to work.
# bench.sh MODULES checks
#	The conflict check alone for such a livepatch, as "NONE TEN HUNDRED" in nanoseconds: the median
#	of 5 with that many other livepatches loaded. Needs the patched core.
#
# No ext4 file system may be mounted: its functions are replaced, since nobody calls them then.

set -u
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd "$(dirname "$0")" || exit 2
MODULES=$(realpath "${1:?usage: bench.sh MODULES load|checks}")
WORK=$(mktemp -d /dev/shm/klp-bench-XXXXXX) || exit 2
trap 'rm -rf "$WORK"' EXIT
# shellcheck source=harness.sh
. ./harness.sh

FUNCTIONS=200
ROUNDS=5

list_functions() { # -- sets NAMES: functions of which there is one each
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	mapfile -t NAMES < <(sed -n 's/^\(_*ext4_[a-z0-9_]*\)$/vmlinux:\1/p' \
		/sys/kernel/tracing/available_filter_functions | sort | uniq -u)
	[ ${#NAMES[@]} -ge $((FUNCTIONS + 100)) ] || fail "too few functions: ${#NAMES[@]}"
}

functions() { # FROM COUNT
	local IFS=,

	echo "${NAMES[*]:$1:$2}"
}

timed_load() { # EXPECTED NAME [PARAMETER]... -- prints nanoseconds
	local expected=$1 answer

	shift
	answer=$(try_load -t "$@")
	[ "${answer% *}" = "$expected" ] || fail "load: expected '$expected', got '$answer'"
	echo "${answer#* }"
}

measure_load() {
	local load lookup

	load=$(timed_load loaded klp_low "funcs=$(functions 0 $FUNCTIONS)") || fail "$load"
	wait_until settled klp_low
	unload klp_low
	lookup=$(timed_load EINVAL klp_low "funcs=$(functions 0 $FUNCTIONS),vmlinux:no_such_function") ||
		fail "$lookup"
	echo "$load $lookup"
}

measure_check() { # NUMBER-OF-LOADED-PATCHES -- each of them has one function
	local round n names

	read -ra names <<<"$(stack)"
	for ((n = ${#names[@]}; n < $1; n++)); do
		load "klp_b$(printf %02d "$n")" "funcs=$(functions $((FUNCTIONS + n)) 1)"
	done
	for ((round = 0; round < ROUNDS; round++)); do
		timed_load EINVAL klp_new "funcs=$(functions 0 $FUNCTIONS),vmlinux:no_such_function" \
			>/dev/null
		echo "$(</sys/module/klp_stopwatch/parameters/last_ns)"
	done | sort -n | sed -n "$(((ROUNDS + 1) / 2))p"
}

measure_checks() {
	local number all=()

	load klp_stopwatch func=klp_check_conflicts
	for number in 0 10 100; do
		all+=("$(measure_check $number)")
	done
	echo "${all[*]}"
}

[ -e /sys/module/klp_hurry ] || expect "load of klp_hurry" loaded "$(try_load klp_hurry)"
list_functions
case "${2:-}" in
load) measure_load ;;
checks) measure_checks ;;
*) exit 2 ;;
esac
