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

case_consistency_belongs_to_a_livepatch() {
	local files=(consistency consistency_attempts consistency_timeout_ms)

	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha livepatch.consistency=system \
		livepatch.consistency_attempts=7 livepatch.consistency_timeout_ms=1234
	load klp_b01 funcs=klp_target:klp_target_beta
	expect "mode" "system per_task" "$(stat_of mode klp_a01) $(stat_of mode klp_b01)"
	expect "settings" "system 7 1234" "$(cd "$SYSFS/klp_a01" && cat "${files[@]}" | xargs)"
	expect "settings" "per_task 40 30000" "$(cd "$SYSFS/klp_b01" && cat "${files[@]}" | xargs)"

	# Whatever others set for all, or for theirs, it goes as it was told.
	use_mode stop_machine
	set_limits 1 1
	echo stop_machine >"$SYSFS/klp_b01/consistency"
	unload klp_a01
	expect "mode" "system switched" "$(stat_of mode) $(stat_of result)"
	unload klp_b01
	expect "mode" "stop_machine switched" "$(stat_of mode) $(stat_of result)"
}

case_consistency_takes_no_other_parameters() {
	load klp_target
	refuse EINVAL klp_a01 funcs=klp_target:klp_target_alpha livepatch.consistency=all
	refuse EINVAL klp_a01 funcs=klp_target:klp_target_alpha livepatch.consistency_attempts=many
	refuse EINVAL klp_a01 funcs=klp_target:klp_target_alpha livepatch.consistency
	# As any other that nobody knows.
	load klp_a01 funcs=klp_target:klp_target_alpha livepatch.colour=blue
	! echo all 2>/dev/null >"$SYSFS/klp_a01/consistency" || fail "took 'all'"
	expect "mode" per_task "$(cat "$SYSFS/klp_a01/consistency")"
}

case_consistency_is_not_changed_while_a_transition_goes_on() {
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block livepatch.consistency=system
	! echo per_task 2>/dev/null >"$SYSFS/klp_a01/consistency" || fail "changed meanwhile"
	unblock
	wait_until settled klp_a01
	echo per_task >"$SYSFS/klp_a01/consistency" || fail "not changed afterwards"
	unload klp_a01
	expect "mode" per_task "$(stat_of mode)"
}

case_consistency_tells_each_value_in_a_file() {
	local file text=""

	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha livepatch.consistency=system
	for file in mode direction result; do
		text+=" $(<"$SYSFS/klp_a01/transition_stats/$file")"
	done
	expect "values" " system patching switched" "$text"
	for file in attempts stops window_ns max_window_ns stop_ns max_stop_ns checked_outside checked_inside; do
		expect "$file" "$(stat_of ${file#max_} klp_a01 | cut -d ' ' -f $([ "$file" = "${file#max_}" ] && echo 1 || echo 2))" \
			"$(<"$SYSFS/klp_a01/transition_stats/$file")"
	done
}

# They name tasks of others and what these do, or hold a lock that root needs.
case_consistency_tells_root_alone() {
	local file

	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	for file in "$SYSFS"/klp_a01/{stack_order,transition_stats/*} $DEBUGFS/*; do
		expect "mode of $file" 400 "$(stat -c %a "$file")"
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
	log_mark
	give_up_soon
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -qx "$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")" ||
		fail "the blocker is not named: $(stat_of blocker)"
	expect_log_count 1 " attempts, see $DEBUGFS/transitions for what was in the way"
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
	start_load "$1" funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	echo 1 >"$SYSFS/$1/force"
	wait_until settled "$1"
	expect "result" forced "$(stat_of result "$1")"
	unblock

	# Its way back can be taken back, and forced in its turn.
	hold_reader "$1" $TARGET/alpha
	start_disable "$1"
	wait_until blocked_by "$HELD klp_target_[a-z]* $(<"/proc/$HELD/comm")"
	echo 1 >"$SYSFS/$1/enabled"
	wait_until settled "$1"
	expect "result" reversed "$(stat_of result "$1")"
	start_disable "$1"
	echo 1 >"$SYSFS/$1/force"
	wait_until gone "$1"
	expect "result" forced "$(stat_of result)"
	expect "what runs" original "$(runs $TARGET/alpha)"
	release_reader "$1"
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
	for function in multi_cpu_stop kthread kthread_worker_fn do_idle schedule_idle; do
		refuse EOPNOTSUPP klp_a01 funcs=vmlinux:$function
	done
	expect_log_count 5 "in use whenever all CPUs are stopped"
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

# It sleeps in a part of a function that the compiler has moved elsewhere.
sleep_in_part() { # WAY PART FUNCTION
	local sleeper result blocker expected

	give_up_soon
	load klp_oracle
	grep -q " $2" /proc/kallsyms || fail "the compiler moved nothing"
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo "$1 0" >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in "${2%.cold}" $sleeper
	start_load klp_a01 "funcs=klp_oracle:$3"
	wait_until settled klp_a01
	result=$(stat_of result)
	blocker=$(stat_of blocker)
	expected="$sleeper $3 $(<"/proc/$sleeper/comm")"
	echo 0 >/sys/module/klp_oracle/parameters/hold
	expect "result" failed "$result"
	expect "blocker" "$expected" "$blocker"
	wait $sleeper
	wait_until gone klp_a01
	remove_module klp_a01
	load klp_a01 "funcs=klp_oracle:$3"
	expect "result" switched "$(stat_of result)"
	unload_all
}

case_consistency_sees_cold_parts() {
	for_both_modes sleep_in_part 5 klp_oracle_rare.cold klp_oracle_rare
}

case_consistency_sees_cold_parts_of_another_name() {
	for_both_modes sleep_in_part 5 klp_oracle_rare.cold klp_oracle_seldom
}

case_consistency_sees_clones() {
	for_both_modes sleep_in_part 6 klp_oracle_split.part.0 klp_oracle_split
}

# The replacement has jumped to a function that only the livepatch has. Who sleeps there has no more of it on the stack.
sleep_in_helper() { # FILE
	local result blocker

	give_up_soon
	load klp_target
	load klp_a01 tail=1 funcs=klp_target:klp_target_alpha
	hold_reader klp_a01 $TARGET/alpha
	expect "jumps" "" "$(grep klp_test_tail "/proc/$HELD/stack")"
	start_disable klp_a01
	wait_until settled klp_a01
	result=$(stat_of result)
	blocker="$HELD [klp_a01] $(<"/proc/$HELD/comm")"
	release_reader klp_a01
	expect "result" failed "$result"
	expect "blocker" "$blocker" "$(stat_of blocker)"
	unload_all
}

case_consistency_sees_helpers_of_a_livepatch() {
	for_both_modes sleep_in_helper
}

# The livepatch that replaces all others has an entry that does nothing for a function with a cold part; that entry goes
# when the transition ends, and on a debug kernel so does the memory it was in.
case_consistency_forgets_parts_with_what_refers_to_them() {
	load klp_target
	load klp_a01 funcs=klp_oracle:klp_oracle_rare
	block
	start_load klp_b01 replace=1 funcs=klp_target:klp_target_block
	load klp_oracle
	unblock
	wait_until gone klp_a01
	use_mode system
	load klp_c01 funcs=klp_oracle:klp_oracle_show,klp_oracle:klp_oracle_rare
	expect "result" switched "$(stat_of result klp_c01)"
}

address_of() { # FUNCTION[+OFFSET]
	local addr rest

	read -r addr rest < <(grep -m 1 " ${1%+*}\$" /proc/kallsyms) || fail "no $1 in this kernel"
	[ "$1" = "${1%+*}" ] || addr=$(printf %x $((0x$addr + ${1#*+})))
	echo "0x$addr"
}

# Y: what the unwinder finds for a task that was interrupted there counts as all there is. With CALLER there are only
# return addresses to that on the stack.
trust_in() { # PLACE [CALLER]
	load klp_blind "addr=$(address_of "$1")" ${2:+"caller=$(address_of "$2")"}
	cat /sys/module/klp_blind/parameters/reliable
	remove_module klp_blind
}

case_consistency_mistrusts_the_blind_spots_of_the_unwinder() {
	expect "trust in ret_from_fork, where stacks end" Y "$(trust_in ret_from_fork)"
	expect "trust in a retpoline" N "$(trust_in __x86_indirect_thunk_rax)"
	# Only kernels with the function graph tracer have it.
	! grep -q ' return_to_handler$' /proc/kallsyms ||
		expect "trust in return_to_handler" N "$(trust_in return_to_handler)"
	# A call from where the unwinder knows everything: so the others are not mistrusted for their callers.
	expect "trust in the beginning of a function" Y "$(trust_in version_proc_show ret_from_fork+1)"
	# What a kretprobe of 5.15 leaves in place of a caller is taken for a return to there; later unwinders know better.
	! grep -q ' kretprobe_trampoline$' /proc/kallsyms ||
		expect "trust in a kretprobe" N "$(trust_in kretprobe_trampoline+-1 ret_from_fork+1)"
	# The last thing that a retpoline does is to return to the function it is to call, not to its caller.
	expect "trust in the end of a retpoline" N "$(trust_in __x86_indirect_thunk_rax+16 ret_from_fork+1)"
	# Where faults are mended, outside of the functions that had them. Linux 6.1 has no such place.
	! grep -q ' __fixup_text_start$' /proc/kallsyms ||
		expect "trust in .fixup" N "$(trust_in __fixup_text_start ret_from_fork+1)"
}

# The stack of the stopper cannot be read any more from the function that switches on.
case_consistency_mistrusts_a_stopper_that_cannot_be_read() {
	load klp_target
	load klp_break mistake=blind
	for_both_modes fail_unreliably
	use_mode per_task
	unload klp_break
}

fail_unreliably() {
	give_up_soon
	start_load klp_a01 funcs=klp_target:klp_target_alpha
	wait_until settled klp_a01
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -q ' (unreliable:klp_break_blind) migration/' || fail "not for that: $(stat_of blocker)"
	wait_until gone klp_a01
	remove_module klp_a01
}

# Idle tasks that do not run are in schedule_idle() at all times. Loaded task by task, it cannot go in another mode.
disable_idle() {
	load klp_idle
	echo system >"$SYSFS/klp_idle/consistency"
	echo 700 >"$SYSFS/klp_idle/consistency_timeout_ms"
	start_disable klp_idle
	[ ! -e "$SYSFS/klp_idle" ] || wait_until settled klp_idle
}

case_consistency_checks_idle_tasks() {
	disable_idle
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -q "^0 schedule_idle swapper" || fail "no idle task is named: $(stat_of blocker)"
	echo per_task >"$SYSFS/klp_idle/consistency"
	unload klp_idle
}
