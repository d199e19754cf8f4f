#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# upstream.sh TESTS [MODE]
#
# Runs the kernel's own livepatch selftests, unchanged: TESTS is tools/testing/selftests/livepatch
# of the running kernel's source. Their modules must be installed for modprobe. With MODE all of
# their livepatches are switched in that mode. Prints TAP with a line for each TEST that they
# announce, exits with 0 when all passed.

set -u
# bash needs it, and a bare devtmpfs does not have it.
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
cd "${1:?usage: upstream.sh TESTS [MODE]}" || exit 2
[ $# -lt 2 ] || echo "$2" >/sys/kernel/livepatch/consistency || exit 2

number=0
failed=0
echo "TAP version 13"
for script in ./test-*.sh; do
	output=$(bash "$script" 2>&1)
	status=$?
	while IFS= read -r line; do
		number=$((number + 1))
		description=$(echo "$line" | sed 's/^TEST: //; s/ \.\.\. .*//')
		case "$line" in
		*"... ok") echo "ok $number - ${script#./}: $description" ;;
		*)
			failed=$((failed + 1))
			echo "not ok $number - ${script#./}: $description"
			;;
		esac
	done < <(echo "$output" | grep '^TEST: ')
	if [ $status -ne 0 ]; then
		number=$((number + 1))
		failed=$((failed + 1))
		echo "not ok $number - ${script#./} exits with $status"
		echo "${output}" | sed 's/^/# /'
	fi
done
echo "1..$number"

[ $failed -eq 0 ] && [ $number -gt 0 ]
