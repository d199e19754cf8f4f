# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a switch costs others, and when it does without stopping them.

# The next case finds the kernel's own size again.
with_few_notes() { # COMMAND...
	local verdict=0

	echo 16 >"$PARAMETERS/tracked_tasks"
	("$@") || verdict=1
	echo 0 >"$PARAMETERS/tracked_tasks"
	return $verdict
}

case_consistency_switches_at_one_instant_with_few_notes() {
	with_few_notes expect_one_instant system "$ORACLE_ROUNDS"
}

block_with_few_notes() {
	use_mode system
	give_up_soon
	load klp_target
	block
	"$MODULES/klp-storm" 2 >/dev/null &
	start_load klp_a01 funcs=klp_target:klp_target_block
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	expect "stops" 0 "$(stat_of stops)"
	unblock
}

case_consistency_does_not_stop_for_nothing_when_notes_overflow() {
	load klp_oracle
	with_few_notes block_with_few_notes
}

case_consistency_does_not_stop_where_nothing_is_changed_yet() {
	use_mode system
	load klp_a01 funcs=klp_target:klp_target_alpha
	expect "result" switched "$(stat_of result klp_a01)"
	expect "stops" 0 "$(stat_of stops klp_a01)"
	load klp_target
	expect "alpha" klp_a01 "$(cat $TARGET/alpha)"
}

# --- tasks that exit ------------------------------------------------------------------------------

# It sleeps in its exit, whose end nobody waits for: so it stays on the task list, and has a name.
exit_slowly() { # PID-FILE
	ionice -c 2 -n 4 true &
	echo $! >"$1"
	exec sleep 600
}

case_consistency_waits_for_a_stuck_exit_without_stops() {
	local exiting

	use_mode system
	load klp_target
	load klp_oracle
	load klp_late usecs=1500000
	exit_slowly "$WORK/exiting" &
	wait_until test -s "$WORK/exiting"
	exiting=$(<"$WORK/exiting")
	wait_until sleeps_in klp_late_exit_io_context "$exiting"
	start_load klp_a01 funcs=klp_target:klp_target_alpha
	wait_until blocked_by "$exiting (exiting) true"
	wait_until settled klp_a01
	expect "result" switched "$(stat_of result klp_a01)"
	[ "$(stat_of attempts klp_a01)" -gt 1 ] || fail "nobody was in the way"
	[ "$(stat_of stops klp_a01)" -le 2 ] || fail "$(stat_of stops klp_a01) stops"
	kill $!
	unload_all
}

blocked_by() { # BLOCKER
	stat_of blocker | grep -qx "$1"
}

# There is no moment without one, but none of them matters for long.
case_consistency_switches_while_tasks_exit_all_the_time() {
	local round

	use_mode system
	load klp_target
	load klp_oracle
	load klp_late usecs=20000
	"$MODULES/klp-exits" 8 &
	for round in 1 2 3; do
		load klp_a01 funcs=klp_target:klp_target_alpha
		expect "result" switched "$(stat_of result klp_a01)"
		[ "$(stat_of stops klp_a01)" -le 8 ] || fail "$(stat_of stops klp_a01) stops"
		unload klp_a01
	done
	kill $!
	wait $! 2>/dev/null
	unload_all
}

# The kernel's log is read again when all cases have run: what was in it before is judged here, and this oops is not.
lose_a_task_in_its_exit() {
	! dmesg | grep -E "$SPLAT" || fail "the kernel complained before"
	echo 0 >/proc/sys/kernel/panic_on_oops
	load klp_oracle
	load klp_late oops=1
	ionice -c 2 -n 4 true &
	wait_until grep -q N /sys/module/klp_late/parameters/oops
	wait_until eval "dmesg | grep -q 'Fixing recursive fault'"
	dmesg --clear
	log_mark
}

# zzz: the last one, for the kernel's own checks of locks end with an oops.
case_zzz_consistency_goes_on_after_an_oops_in_an_exit() {
	lose_a_task_in_its_exit
	for_both_modes switch_on_and_off
}

# --- others ---------------------------------------------------------------------------------------

# Checks take 5 ms each, and 300 tasks sleep. Who forks meanwhile does not wait for all of them.
case_consistency_lets_others_fork_while_stacks_are_checked() {
	local meter longest

	load klp_target
	load klp_slow
	use_mode system
	crowd 300
	block
	# Before the checks begin: they would hold up its own start.
	"$MODULES/klp-latency" 4000 >"$WORK/latency" &
	meter=$!
	doze 1
	set_limits 1000 600000
	start_load klp_a01 funcs=klp_target:klp_target_block
	wait $meter
	longest=$(sed -n 's/^fork [0-9]* [0-9]* \([0-9]*\) .*/\1/p' "$WORK/latency")
	start_disable klp_a01
	wait_until gone klp_a01
	unblock
	echo "# the longest fork took $((longest / 1000)) us"
	[ "$longest" -lt 1000000000 ] || fail "a fork took $longest ns"
}

crowd() { # TASKS -- that sleep in a system call of their own
	"$MODULES/klp-crowd" "$1" 0 >"$WORK/crowd" &
	CROWD=$!
	wait_until test -s "$WORK/crowd"
}

checks_go_on() {
	local before after

	read -r before </sys/module/klp_slow/parameters/calls
	doze 0.3
	read -r after </sys/module/klp_slow/parameters/calls
	[ "$before" != "$after" ]
}

# Its one attempt takes seconds, as above, and cannot succeed. Does it go on when COMMAND has ended?
ends_before_the_attempt() { # COMMAND...
	local attempts=$SYSFS/klp_a01/transition_stats/attempts verdict=0

	start_load klp_a01 funcs=klp_target:klp_target_block livepatch.consistency=system \
		livepatch.consistency_attempts=1
	wait_until eval "[ ! -e $attempts ] || [ \"\$(<$attempts)\" = 1 ]"
	"$@"
	checks_go_on || verdict=1
	wait_until gone klp_a01
	remove_module klp_a01
	return $verdict
}

does_not_wait_for_the_attempt() { # COMMAND...
	local round

	load klp_target
	load klp_slow
	crowd 300
	block
	for round in {1..10}; do
		! ends_before_the_attempt "$@" || break
	done
	kill $CROWD
	unblock
	unload_all
	[ "$round" -lt 10 ] || fail "waits each time: $*"
}

read_transitions() {
	stat_of result >/dev/null
}

case_consistency_tells_who_is_in_the_way_while_stacks_are_checked() {
	does_not_wait_for_the_attempt read_transitions
}

switch_off() { # CPU-FILE -- that is on
	echo 1 >"$1" 2>/dev/null
	echo 0 >"$1"
}

# Whoever wants to read the list of CPUs waits for a CPU that waits to go.
case_consistency_lets_cpus_go_while_stacks_are_checked() {
	local cpu=/sys/devices/system/cpu/cpu1/online verdict=0

	[ -e $cpu ] || fail "this machine has one CPU"
	(does_not_wait_for_the_attempt switch_off $cpu) || verdict=1
	echo 1 >$cpu 2>/dev/null
	expect "CPU 1 online" 1 "$(<$cpu)"
	return $verdict
}

# It is known that there are too many; to look at all of them again and again changes nothing.
case_consistency_looks_once_at_a_crowd_that_is_in_the_way() {
	local checked

	use_mode system
	set_limits 1 600000
	crowd 300
	start_load klp_a01 funcs=vmlinux:__x64_sys_pause
	wait_until gone klp_a01
	checked=$(stat_of checked_outside)
	kill $CROWD
	expect "result" failed "$(stat_of result)"
	stat_of blocker | grep -q ' __x64_sys_pause klp-crowd' || fail "not for that: $(stat_of blocker)"
	echo "# $checked stacks were checked"
	[ "$checked" -lt 1500 ] || fail "$checked stacks were checked for 300 tasks"
}

case_consistency_looks_for_no_more_than_it_tells_each_task_by_itself() {
	local calls

	load klp_stopwatch func=klp_ranges_find_task
	crowd 300
	start_load klp_a01 funcs=vmlinux:__x64_sys_pause
	calls=$(</sys/module/klp_stopwatch/parameters/calls)
	expect "blockers" 16 "$(stat_of blocker | grep -c ' __x64_sys_pause klp-crowd')"
	start_disable klp_a01
	wait_until gone klp_a01
	kill $CROWD
	remove_module klp_stopwatch
	echo "# $calls stacks were checked"
	[ "$calls" -lt 150 ] || fail "$calls stacks were checked to tell 16 tasks"
}

case_consistency_runs_callbacks_as_others_do() {
	use_mode system
	load klp_callback
	expect "realtime priority" N "$(</sys/module/klp_callback/parameters/realtime)"
	expect "tasks noted after the switch" 0 "$(</sys/module/klp_callback/parameters/calls)"
}

hold_until_signaled() {
	local sleeper

	log_mark
	set_limits 1000 8000
	load klp_oracle
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo 4 0 >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in klp_oracle_outer $sleeper
	start_load klp_oracle_new
	doze 2
	expect "transition, after a quarter of its time" 1 "$(<"$SYSFS/klp_oracle_new/transition")"
	expect "signaled" 0 "$(stat_of signaled)"
	wait_until settled klp_oracle_new
	expect "result" switched "$(stat_of result klp_oracle_new)"
	expect "signaled" 1 "$(stat_of signaled klp_oracle_new)"
	expect_log "klp: 'klp_oracle_new' signals 1 tasks that sleep in what it changes"
	echo 0 >/sys/module/klp_oracle/parameters/hold
	wait $sleeper
	unload klp_oracle_new
	remove_module klp_oracle
}

case_consistency_disturbs_sleepers_only_when_its_time_runs_out() {
	for_both_modes hold_until_signaled
}

# More than are told by name. A stop that meets the first of them looks for no others.
hold_many_until_signaled() {
	local i

	set_limits 1000 8000
	load klp_oracle
	echo 1 >/sys/module/klp_oracle/parameters/hold
	for i in {1..40}; do
		{ echo 4 0 >/proc/klp_oracle; } &
		wait_until sleeps_in klp_oracle_outer $!
	done
	start_load klp_oracle_new
	wait_until settled klp_oracle_new
	expect "result" switched "$(stat_of result)"
	echo 0 >/sys/module/klp_oracle/parameters/hold
	wait
	unload klp_oracle_new
	remove_module klp_oracle
}

case_consistency_disturbs_all_who_sleep_when_its_time_runs_out() {
	for_both_modes hold_many_until_signaled
}

# --- what holds a transition up -------------------------------------------------------------------

sleep_where_the_unwinder_is_lost() {
	use_mode "$1"
	give_up_soon
	load klp_target
	load klp_opaque
	start_load klp_a01 funcs=klp_target:klp_target_alpha
	wait_until blocked_by "[0-9]* (unreliable:klp_opaque_sleep) klp_opaque"
	[ "$1" != per_task ] || start_disable klp_a01
	wait_until gone klp_a01
	unload_all
}

case_consistency_names_what_the_unwinder_does_not_get_past() {
	sleep_where_the_unwinder_is_lost system
	sleep_where_the_unwinder_is_lost stop_machine
	sleep_where_the_unwinder_is_lost per_task
}

case_consistency_tells_who_is_stopped() {
	local sleeper

	use_mode system
	set_limits 1 600000
	sleep 600 &
	sleeper=$!
	kill -STOP $sleeper
	wait_until grep -q '^State:.T' /proc/$sleeper/status
	start_load klp_a01 funcs=vmlinux:get_signal
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	expect "in the way" "$sleeper get_signal $(<"/proc/$sleeper/comm")" "$(stat_of blocker)"
	expect "stopped" "$sleeper" "$(stat_of stopped)"
	kill -KILL $sleeper
}

case_consistency_names_who_holds_up_each_task_by_itself() {
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block
	wait_until blocked_by "$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")"
	unblock
	unload_all
}

case_consistency_names_a_task_in_one_line_whatever_its_name() {
	load klp_target
	echo 1 >/sys/module/klp_target/parameters/block
	ln -s "$(command -v cat)" "$WORK/"$'a\nb\\'
	"$WORK/"$'a\nb\\' <$TARGET/block >/dev/null &
	BLOCKED=$!
	wait_until sleeps_in klp_target_block $BLOCKED
	start_load klp_a01 funcs=klp_target:klp_target_block
	wait_until blocked_by "$BLOCKED klp_target_block a\\\\012b\\\\134"
	unblock
	unload_all
}

# The storm's tasks run or have only just, and have not switched at the first look: none of them is held.
case_consistency_names_nobody_who_has_only_not_had_its_turn() {
	local storm round held

	load klp_target
	load klp_oracle
	"$MODULES/klp-storm" 2 >/dev/null &
	storm=$!
	block
	held="$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")"
	for round in {1..5}; do
		start_load klp_a01 funcs=klp_target:klp_target_block
		expect "in the way" "$held" "$(stat_of blocker)"
		start_disable klp_a01
		wait_until gone klp_a01
		remove_module klp_a01
	done
	kill $storm
	unblock
}

# On the way back all have only not had their turn, idle CPUs above all: it stays who was in the way.
case_consistency_names_who_was_in_the_way_after_a_reversal() {
	local round held

	load klp_target
	block
	held="$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")"
	for round in {1..5}; do
		start_load klp_a01 funcs=klp_target:klp_target_block
		doze 0.3
		start_disable klp_a01
		wait_until gone klp_a01
		expect "result" reversed "$(stat_of result)"
		expect "in the way" "$held" "$(stat_of blocker)"
		remove_module klp_a01
	done
	unblock
}

case_consistency_names_nobody_once_all_have_switched() {
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block
	wait_until blocked_by "$BLOCKED klp_target_block $(<"/proc/$BLOCKED/comm")"
	unblock
	wait_until settled klp_a01
	expect "result" switched "$(stat_of result klp_a01)"
	expect "in the way" "" "$(stat_of blocker klp_a01)"
}
