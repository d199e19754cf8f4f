# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Livepatches that are switched for the whole system at once.

case_consistency_is_per_task_by_default() {
	expect "the default" per_task "$(cat "$SYSFS/consistency")"
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	expect "mode" per_task "$(stat_of mode klp_a01)"
	expect "result" switched "$(stat_of result klp_a01)"
	unload klp_a01
}

case_consistency_takes_only_its_three_words() {
	local word

	for word in "" system_ per-task "system stop_machine" 1; do
		! echo "$word" 2>/dev/null >"$SYSFS/consistency" || fail "took '$word'"
	done
	expect "mode" per_task "$(cat "$SYSFS/consistency")"
	for word in system stop_machine per_task; do
		echo $word >"$SYSFS/consistency" || fail "did not take $word"
		expect "mode" $word "$(cat "$SYSFS/consistency")"
	done
}

switch_on_and_off() {
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	expect "alpha" klp_a01 "$(cat $TARGET/alpha)"
	expect "mode" "$(cat "$SYSFS/consistency")" "$(stat_of mode klp_a01)"
	expect "direction" patching "$(stat_of direction klp_a01)"
	expect "result" switched "$(stat_of result klp_a01)"
	[ "$(stat_of stops klp_a01)" -ge 1 ] || fail "nothing was stopped"
	[ "$(stat_of window_ns klp_a01 | cut -d ' ' -f 1)" -gt 0 ] || fail "no window"
	unload klp_a01
	expect "alpha" original "$(cat $TARGET/alpha)"
	expect "patch" klp_a01 "$(stat_of patch)"
	expect "direction" unpatching "$(stat_of direction)"
	expect "result" switched "$(stat_of result)"
	remove_module klp_target
}

case_consistency_switches_on_and_off() {
	for_both_modes switch_on_and_off
}

stack_and_replace() {
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	grant klp_b01 klp_a01
	load klp_b01 funcs=klp_target:klp_target_alpha
	expect "alpha" klp_b01 "$(cat $TARGET/alpha)"
	load klp_c01 funcs=klp_target:klp_target_beta replace=1
	expect "stack" klp_c01 "$(stack)"
	expect "alpha" original "$(cat $TARGET/alpha)"
	expect "beta" klp_c01 "$(cat $TARGET/beta)"
	unload_all
}

case_consistency_stacks_and_replaces() {
	for_both_modes stack_and_replace
}

enable_past_a_blocker() {
	give_up_soon
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -qx "$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")" ||
		fail "the blocker is not named: $(stat_of blocker)"
	expect "alpha" original "$(cat $TARGET/alpha)"
	remove_module klp_a01
	unblock
	load klp_a01 funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	expect "alpha" klp_a01 "$(cat $TARGET/alpha)"
	unload_all
}

case_consistency_names_who_is_in_the_way_of_enabling() {
	for_both_modes enable_past_a_blocker
}

disable_past_a_blocker() {
	give_up_soon
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	hold_reader klp_a01 $TARGET/alpha
	start_disable klp_a01
	wait_until result_is failed
	expect "enabled" 1 "$(cat "$SYSFS/klp_a01/enabled")"
	expect "direction" unpatching "$(stat_of direction klp_a01)"
	stat_of blocker klp_a01 | grep -qx "$HELD klp_target_alpha $(<"/proc/$HELD/comm")" ||
		fail "the blocker is not named: $(stat_of blocker klp_a01)"
	release_reader klp_a01
	unload_all
}

case_consistency_names_who_is_in_the_way_of_disabling() {
	for_both_modes disable_past_a_blocker
}

reverse() {
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block
	expect "transition" 1 "$(cat "$SYSFS/klp_a01/transition")"
	expect "alpha" original "$(cat $TARGET/alpha)"
	start_disable klp_a01
	wait_until gone klp_a01
	expect "result" reversed "$(stat_of result)"
	unblock
	unload_all
}

case_consistency_reverses_while_pending() {
	for_both_modes reverse
}

force() { # PATCH
	load klp_target
	block
	start_load "$1" funcs=klp_target:klp_target_block
	echo 1 >"$SYSFS/$1/force"
	wait_until settled "$1"
	expect "result" forced "$(stat_of result "$1")"
	unblock
	start_disable "$1"
	wait_until gone "$1"
	remove_module klp_target
}

# Names of their own: on 5.15 these livepatches can never be unloaded.
case_zz_consistency_can_be_forced() {
	use_mode system
	force klp_f02
	use_mode stop_machine
	force klp_f03
}

modules_meanwhile() {
	load klp_target
	load klp_oracle
	block
	start_load klp_a01 funcs=klp_target:klp_target_block,klp_oracle:klp_oracle_show
	remove_module klp_oracle
	load klp_oracle
	grep -q runs /proc/klp_oracle || fail "switched before its time"
	unblock
	wait_until settled klp_a01
	expect "oracle" klp_a01 "$(cat /proc/klp_oracle)"
	remove_module klp_oracle
	load klp_oracle
	expect "oracle" klp_a01 "$(cat /proc/klp_oracle)"
	unload_all
}

case_consistency_lets_modules_come_and_go_meanwhile() {
	for_both_modes modules_meanwhile
}

refuse_stop_path() {
	local function

	log_mark
	for function in multi_cpu_stop kthread kthread_worker_fn; do
		refuse EOPNOTSUPP klp_a01 funcs=vmlinux:$function
	done
	expect_log_count 3 "in use whenever all CPUs are stopped"
}

case_consistency_refuses_what_stopping_needs() {
	for_both_modes refuse_stop_path
}

# It sleeps in the function until it gets a signal. The program is not to see that.
disturb() {
	set_limits 1000 4000
	load klp_oracle
	echo 1 >/sys/module/klp_oracle/parameters/hold
	sh -c 'echo 4 0 >/proc/klp_oracle' &
	wait_until sleeps_in klp_oracle_outer $!
	load klp_oracle_new
	[ "$(stat_of attempts)" -gt 1 ] || fail "nobody was in the way"
	wait $!
	unload klp_oracle_new
	remove_module klp_oracle
}

case_consistency_disturbs_sleepers() {
	for_both_modes disturb
}

# It sleeps in the part of a function that the compiler has moved elsewhere.
sleep_in_cold_part() {
	local sleeper

	give_up_soon
	load klp_oracle
	grep -q ' klp_oracle_rare.cold' /proc/kallsyms || fail "the compiler moved nothing"
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo 5 0 >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in klp_oracle_freeze $sleeper
	start_load klp_a01 funcs=klp_oracle:klp_oracle_rare
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -qx "$sleeper klp_oracle_rare $(<"/proc/$sleeper/comm")" ||
		fail "the blocker is not named: $(stat_of blocker)"
	remove_module klp_a01
	echo 0 >/sys/module/klp_oracle/parameters/hold
	wait $sleeper
	load klp_a01 funcs=klp_oracle:klp_oracle_rare
	expect "result" switched "$(stat_of result)"
	unload_all
}

case_consistency_sees_cold_parts() {
	for_both_modes sleep_in_cold_part
}

# Y: what the unwinder finds for a task that was interrupted there counts as all there is.
trust_in() { # FUNCTION
	local addr rest

	read -r addr rest < <(grep -m 1 " $1\$" /proc/kallsyms) || fail "no $1 in this kernel"
	load klp_blind "addr=0x$addr"
	cat /sys/module/klp_blind/parameters/reliable
	remove_module klp_blind
}

case_consistency_mistrusts_the_blind_spots_of_the_unwinder() {
	expect "trust in ret_from_fork, where stacks end" Y "$(trust_in ret_from_fork)"
	expect "trust in a retpoline" N "$(trust_in __x86_indirect_thunk_rax)"
	# Only kernels with the function graph tracer have it.
	! grep -q ' return_to_handler$' /proc/kallsyms ||
		expect "trust in return_to_handler" N "$(trust_in return_to_handler)"
}

# Idle tasks that do not run are in schedule_idle() at all times.
case_consistency_checks_idle_tasks() {
	use_mode system
	give_up_soon
	start_load klp_idle
	wait_until gone klp_idle
	stat_of blocker | grep -q "^0 schedule_idle swapper" || fail "no idle task is named"
	remove_module klp_idle
}
