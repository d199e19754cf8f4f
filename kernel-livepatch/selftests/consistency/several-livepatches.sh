# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Several livepatches of one function, and somebody who sleeps in one of them.

# B replaces A without the function that A's reader sleeps in: the original is not to run beside it.
replace_past_a_sleeper() {
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	hold_reader klp_a01 $TARGET/alpha
	start_load klp_b01 replace=1 funcs=klp_target:klp_target_beta livepatch.consistency_timeout_ms=700
	wait_until gone klp_b01
	expect "result" failed "$(stat_of result)"
	expect "in the way" "$HELD" "$(stat_of blocker | cut -d ' ' -f 1)"
	expect "stack" klp_a01 "$(stack)"
	release_reader klp_a01
	remove_module klp_b01
	expect "what runs" "klp_a01 klp_a01" "$(runs $TARGET/alpha $TARGET/beta)"
	load klp_b01 replace=1 funcs=klp_target:klp_target_beta
	expect "what runs" "original klp_b01" "$(runs $TARGET/alpha $TARGET/beta)"
	unload_all
}

case_consistency_replaces_nothing_that_somebody_sleeps_in() {
	for_both_modes replace_past_a_sleeper
}

reverse_a_replacement() {
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	block
	start_load klp_b01 replace=1 funcs=klp_target:klp_target_beta,klp_target:klp_target_block
	expect "what runs meanwhile" "klp_a01 klp_a01" "$(runs $TARGET/alpha $TARGET/beta)"
	start_disable klp_b01
	wait_until gone klp_b01
	expect "result" reversed "$(stat_of result)"
	expect "stack" klp_a01 "$(stack)"
	expect "what runs" "klp_a01 klp_a01" "$(runs $TARGET/alpha $TARGET/beta)"
	unblock
	unload_all
}

case_consistency_takes_a_replacement_back() {
	for_both_modes reverse_a_replacement
}

stack_of_two() {
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	grant klp_b01 klp_a01
	load klp_b01 funcs=klp_target:klp_target_alpha
}

# Who sleeps in the upper one is not in the lower one, which goes from below it.
disable_below_a_sleeper() {
	stack_of_two
	hold_reader klp_b01 $TARGET/alpha
	unload klp_a01
	expect "result" switched "$(stat_of result)"
	expect "stack" klp_b01 "$(stack)"
	echo 700 >"$SYSFS/klp_b01/consistency_timeout_ms"
	start_disable klp_b01
	wait_until settled klp_b01
	expect "result" failed "$(stat_of result)"
	release_reader klp_b01
	echo 30000 >"$SYSFS/klp_b01/consistency_timeout_ms"
	unload klp_b01
	expect "what runs" original "$(runs $TARGET/alpha)"
	unload_all
}

case_consistency_disables_what_is_below_a_sleeper() {
	for_both_modes disable_below_a_sleeper
}

# What the third one takes the place of is the second one, and that is what nobody may be in.
enable_over_a_sleeper() {
	stack_of_two
	hold_reader klp_b01 $TARGET/alpha
	grant klp_c01 klp_a01,klp_b01
	start_load klp_c01 funcs=klp_target:klp_target_alpha livepatch.consistency_timeout_ms=700
	wait_until gone klp_c01
	expect "result" failed "$(stat_of result)"
	expect "in the way" "$HELD klp_target_alpha $(<"/proc/$HELD/comm")" "$(stat_of blocker)"
	release_reader klp_b01
	remove_module klp_c01
	grant klp_c01 klp_a01,klp_b01
	load klp_c01 funcs=klp_target:klp_target_alpha
	unload klp_b01
	expect "what runs" klp_c01 "$(runs $TARGET/alpha)"
	unload klp_c01
	expect "what runs" klp_a01 "$(runs $TARGET/alpha)"
	unload_all
}

case_consistency_enables_nothing_over_a_sleeper() {
	for_both_modes enable_over_a_sleeper
}

# Somebody sleeps in another function that it replaces. MODULE comes while it waits for that.
replace_under_another_name() { # [MODULE]
	local sleeper

	[ $# -gt 0 ] || load klp_target
	load klp_oracle
	load klp_a01 funcs=klp_target:klp_target_alpha
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo 5 0 >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in klp_oracle_freeze $sleeper
	start_load klp_b01 replace=1 funcs=klp_target:klp_target_alias,klp_oracle:klp_oracle_rare
	[ $# = 0 ] || load "$1"
	expect "what runs meanwhile" klp_a01 "$(runs $TARGET/alpha)"
	echo 0 >/sys/module/klp_oracle/parameters/hold
	wait $sleeper
	wait_until gone klp_a01
	expect "what runs" klp_b01 "$(runs $TARGET/alpha)"
	unload_all
}

case_consistency_replaces_under_another_name() {
	for_both_modes replace_under_another_name
	for_both_modes replace_under_another_name klp_target
}
