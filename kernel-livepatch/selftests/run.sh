#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run.sh MODULES [PATTERN [FOLDER]]
#
# Runs the cases on the running kernel, which must have the patched livepatch core. MODULES holds
# what the Makefile here builds. PATTERN limits the cases to those whose name matches, FOLDER is cases
# or consistency. Prints TAP, exits with 0 when every case passed. Cases that need fault injection,
# kmemleak, rcutorture or groups of tasks are only planned on a kernel that has it, controls.sh on one that is fast,
# thousands.sh where the oracle is to see many switches, case_NAME where can_NAME, if there is one, is true.

set -u
# bash needs it, and a bare devtmpfs does not have it.
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd "$(dirname "$0")" || exit 2
MODULES=$(realpath "${1:?usage: run.sh MODULES [PATTERN]}")
PATTERN=${2:-.}
# What stays loaded: klp_hurry, and the livepatch of the forced transitions, which on 5.15 can never
# be unloaded again.
PINNED="klp_hurry klp_f01 klp_f02 klp_f03"

WORK=$(mktemp -d /dev/shm/klp-test-XXXXXX) || exit 2
trap 'rm -rf "$WORK"' EXIT

# shellcheck source=harness.sh
. ./harness.sh
for file in "${3:-cases}"/*.sh; do
	case $file in
	*/allocation-failures.sh) [ -e /proc/self/fail-nth ] || continue ;;
	*/groups.sh) grep -q '^cpu[[:space:]]' /proc/cgroups 2>/dev/null || continue ;;
	*/controls.sh) [ ! -e /sys/kernel/debug/kmemleak ] || continue ;;
	*/thousands.sh) [ "$ORACLE_ROUNDS" -ge 100 ] || continue ;;
	*/torture.sh) modprobe -nq rcutorture || continue ;;
	*/leaks.sh) [ -e /sys/kernel/debug/kmemleak ] || continue ;;
	esac
	# shellcheck disable=SC1090
	. "./$file"
done

mapfile -t cases < <(compgen -A function case_ | grep -E "$PATTERN" | while read -r name; do
	# What a kernel or a machine cannot do is not planned.
	can=can_${name#case_}
	! declare -F "$can" >/dev/null || "$can" && echo "$name"
done)
[ ${#cases[@]} -gt 0 ] || { echo "Bail out! no case matches $PATTERN"; exit 2; }
[ -e "$SYSFS/override" ] || { echo "Bail out! this kernel has no patched livepatch core"; exit 2; }

expect "load of klp_hurry" loaded "$("$MODULES/klp-load" "$MODULES/klp_hurry.ko")"
# Modules wait for grace periods when they come and go.
echo 1 >/sys/kernel/rcu_expedited
log_open

echo "TAP version 13"
echo "1..${#cases[@]}"
number=0
failed=0
for name in "${cases[@]}"; do
	number=$((number + 1))
	description=${name#case_}
	description=${description//_/ }
	log_mark
	began=$SECONDS
	# Into a file: tasks that a failed case leaves behind would keep a pipe open.
	if { (stop_jobs_at_exit; "$name") && (reset); } >"$WORK/output" 2>&1; then
		verdict="ok"
	else
		verdict="not ok"
		failed=$((failed + 1))
		# The next case must find a clean kernel even so.
		(reset) >>"$WORK/output" 2>&1
	fi
	echo "$verdict $number - $description # $((SECONDS - began)) s"
	[ ! -s "$WORK/output" ] || sed 's/^#* */# /' "$WORK/output"
	[ "$verdict" = ok ] || tail -n 40 "$WORK/log" | sed 's/^/#   /'
done

[ $failed -eq 0 ]
