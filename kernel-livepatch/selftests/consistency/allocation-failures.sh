# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Loads and attempts whose allocations fail, one after the other. Needs fault injection.
#
# zy: among the last. When one of its own allocations fails, DEBUG_OBJECTS turns itself off.

load_with_failures() {
	fail_allocations_of_a_first_load
	unload_all
}

case_zy_consistency_allocation_failures_of_a_load() {
	for_both_modes load_with_failures
}

# The thread that makes the attempts, and completes the transition.
switcher() {
	local comm

	for comm in /proc/[0-9]*/comm; do
		[ "$(<"$comm")" != klp_switcher ] || echo "${comm%/comm}"
	done 2>/dev/null
}

# Short memory costs an attempt, or the checks outside of the stop; never the transition.
attempt_with_failures() {
	local nth=0 left=0 thread

	thread=$(switcher)
	load klp_target
	while [ "$left" = 0 ]; do
		nth=$((nth + 1))
		echo $nth >"$thread/fail-nth"
		load klp_low funcs=klp_target:klp_target_alpha
		expect "what runs" klp_low "$(cat $TARGET/alpha)"
		unload klp_low
		expect "what runs" original "$(cat $TARGET/alpha)"
		left=$(<"$thread/fail-nth")
	done
	echo 0 >"$thread/fail-nth"
	echo "# $((nth - 1)) allocations"
	[ $nth -gt 1 ] || fail "none failed"
	unload_all
}

case_zy_consistency_allocation_failures_of_attempts() {
	let_allocations_fail
	for_both_modes attempt_with_failures
}
