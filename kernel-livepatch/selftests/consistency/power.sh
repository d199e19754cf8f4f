# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# CPUs that go while a transition waits, CPU 0 where the kernel lets it go, CPUs without a tick, and a machine that is
# suspended meanwhile.

CPUS=/sys/devices/system/cpu

# COMMAND finds all CPUs, and leaves all.
with_all_cpus_back() { # COMMAND...
	local cpu verdict=0

	("$@") || verdict=1
	for cpu in $CPUS/cpu[0-9]*/online; do
		[ "$(<"$cpu")" = 1 ] || echo 1 >"$cpu"
	done
	return $verdict
}

take_each_away() {
	local cpu

	for cpu in $CPUS/cpu[0-9]*/online; do
		echo 0 >"$cpu" || fail "$cpu stays"
		doze 0.1
		echo 1 >"$cpu" || fail "$cpu does not come back"
	done
}

# It was in transition all the time, and switches as soon as nobody is in the way.
expect_still_waits() { # WHAT-RUNS-MEANWHILE
	expect "transition" 1 "$(<"$SYSFS/klp_a01/transition")"
	expect "what runs" "$1" "$(runs $TARGET/alpha)"
	unblock
	wait_until settled klp_a01
	expect "result" switched "$(stat_of result klp_a01)"
	expect "what runs" klp_a01 "$(runs $TARGET/alpha)"
	unload_all
}

# Each of them goes and comes back while somebody is in the way; nothing is lost, and nothing switched before its time.
wait_while_cpus_go() { # WHAT-RUNS-MEANWHILE
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	take_each_away
	expect_still_waits "$1"
}

case_consistency_waits_while_cpus_go_and_come_back() {
	# Task by task, whoever comes anew has switched.
	with_all_cpus_back wait_while_cpus_go klp_a01 &&
		with_all_cpus_back for_both_modes wait_while_cpus_go original
}

switch_without() { # CPU-FILE
	echo 0 >"$1" || fail "$1 stays"
	for_both_modes switch_on_and_off
}

# The one that is first, and does what the others do not: it keeps the time, and takes most interrupts. Kernels let only
# Intel's go.
can_consistency_switches_without_cpu_0() {
	[ -e $CPUS/cpu0/online ]
}

case_consistency_switches_without_cpu_0() {
	with_all_cpus_back switch_without $CPUS/cpu0/online
}

# A task that has a CPU for itself and never enters the kernel, on which no tick interrupts it (boot with nohz_full=).
can_consistency_switches_beside_tasks_without_a_tick() {
	grep -qs '^[0-9]' $CPUS/nohz_full
}

case_consistency_switches_beside_tasks_without_a_tick() {
	local list

	read -r list <$CPUS/nohz_full
	taskset -c "$list" bash -c 'echo >"$0"; while :; do :; done' "$WORK/spins" &
	wait_until test -e "$WORK/spins"
	for_both_modes switch_on_and_off
	[ "$(stat_of stops)" -le 2 ] || fail "$(stat_of stops) stops"
	kill $!
	wait $! 2>/dev/null || :
}

# --- suspended --------------------------------------------------------------------------------------------

POWER=/sys/power

# As far as all tasks are frozen: devices stay, as this machine would not find its files again without them. It takes a second,
# and then all go on.
suspend_tasks() {
	echo 0 >$POWER/sync_on_suspend
	echo 1000 >$POWER/pm_freeze_timeout
	echo 1 >/sys/module/suspend/parameters/pm_test_delay
	echo freezer >$POWER/pm_test
	echo freeze 2>/dev/null >$POWER/state
}

# To freeze it, it is woken from its sleep in the function: the switch comes while all others are frozen, or after.
suspend_who_sleeps_in_the_way() {
	local sleeper

	set_limits 1000 600000
	load klp_oracle threads=2
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo 4 0 >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in klp_oracle_outer $sleeper
	start_load klp_oracle_new
	expect "transition" 1 "$(<"$SYSFS/klp_oracle_new/transition")"
	suspend_tasks || fail "not suspended"
	wait $sleeper
	wait_until settled klp_oracle_new
	expect "result" switched "$(stat_of result klp_oracle_new)"
	unload klp_oracle_new
	expect "mixtures" 0 "$(oracle_count mixtures)"
	expect "torn runs" 0 "$(oracle_count torn)"
	remove_module klp_oracle
}

can_consistency_switches_when_a_machine_is_suspended() {
	[ -e $POWER/pm_test ]
}

case_consistency_switches_when_a_machine_is_suspended() {
	for_both_modes suspend_who_sleeps_in_the_way
}

# It cannot be frozen where it sleeps, so that the machine is not suspended; the transition goes on to wait.
fail_to_suspend() { # WHAT-RUNS-MEANWHILE
	set_limits 1000 600000
	load klp_target
	block
	start_load klp_a01 funcs=klp_target:klp_target_block,klp_target:klp_target_alpha
	! suspend_tasks || fail "suspended"
	expect_still_waits "$1"
}

can_consistency_waits_when_a_machine_cannot_be_suspended() {
	[ -e $POWER/pm_test ]
}

case_consistency_waits_when_a_machine_cannot_be_suspended() {
	fail_to_suspend klp_a01
	for_both_modes fail_to_suspend original
}
