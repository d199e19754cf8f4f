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

# --- on the way to a replacement ---------------------------------------------------------------------

# A reader is in klp_way_outer(), which has called what klp_a01 replaces, and it has not come there yet. The unwinder takes
# the address for the end of a call, goes by the function before, and comes past klp_way_outer(), which klp_b01 changes.
load_way() {
	load klp_way
	load klp_a01 behind=1 funcs=klp_way:klp_way_inner
	expect "what runs" klp_a01 "$(runs /proc/klp_way)"
}

stop_on_the_way() {
	load_way
	echo 1 >/sys/module/klp_way/parameters/hold
	(read -r _ </proc/klp_way) &
	HELD=$!
	wait_until sleeps_in klp_way_sleep $HELD
	start_load klp_b01 funcs=klp_way:klp_way_outer
}

go_on() {
	echo 0 >/sys/module/klp_way/parameters/hold
	wait $HELD
}

switch_past_who_is_on_the_way() {
	local result blocker expected

	give_up_soon
	stop_on_the_way
	wait_until settled klp_b01
	result=$(stat_of result)
	blocker=$(stat_of blocker)
	expected="$HELD klp_way_inner $(<"/proc/$HELD/comm")"
	go_on
	expect "result" failed "$result"
	expect "blocker" "$expected" "$blocker"
	unload_all
}

case_consistency_mistrusts_stacks_on_the_way_to_a_replacement() {
	for_both_modes switch_past_who_is_on_the_way
}

case_consistency_switches_nobody_by_itself_on_the_way_to_a_replacement() {
	local transition

	stop_on_the_way
	echo 1 >$HURRY
	doze 0.5
	transition=$(<"$SYSFS/klp_b01/transition")
	go_on
	expect "transition" 1 "$transition"
	wait_until settled klp_b01
	expect "what runs" klp_b01 "$(runs /proc/klp_way)"
}

# Stopped by nothing but an interrupt and a thread that it has woken: at the return of ftrace's caller.
preempt_on_the_way() {
	local blockers comm

	load_way
	echo 1 >/sys/module/klp_way/parameters/preempt
	taskset -c 1 cat /proc/klp_way >"$WORK/way" &
	HELD=$!
	wait_until sleeps_in klp_way_show $HELD
	read -r comm <"/proc/$HELD/comm"
	start_load klp_b01 funcs=klp_way:klp_way_outer
	wait_until has_tried
	doze 0.5
	blockers=$(stat_of blocker)
	echo 0 >/sys/module/klp_way/parameters/preempt
	wait $HELD
	wait_until settled klp_b01
	[[ $'\n'$blockers$'\n' == *$'\n'"$HELD klp_way_inner $comm"$'\n'* ]] ||
		fail "it is not in the way: $blockers"
	expect "result" switched "$(stat_of result klp_b01)"
	expect "what it ran" klp_a01 "$(<"$WORK/way")"
	unload_all
}

has_tried() {
	[ "$(stat_of attempts)" -ge 2 ] || [ "$(stat_of stops)" -ge 1 ]
}

while_realtime_tasks_get_all() { # COMMAND...
	local share verdict=0

	read -r share </proc/sys/kernel/sched_rt_runtime_us
	echo -1 >/proc/sys/kernel/sched_rt_runtime_us
	("$@") || verdict=1
	[ ! -e /sys/module/klp_way ] || echo 0 >/sys/module/klp_way/parameters/preempt
	echo "$share" >/proc/sys/kernel/sched_rt_runtime_us
	return $verdict
}

can_consistency_mistrusts_who_was_preempted_on_the_way_to_a_replacement() {
	# Others preempt nobody in the kernel.
	grep -q ' PREEMPT' /proc/version
}

case_consistency_mistrusts_who_was_preempted_on_the_way_to_a_replacement() {
	while_realtime_tasks_get_all for_both_modes preempt_on_the_way
}
