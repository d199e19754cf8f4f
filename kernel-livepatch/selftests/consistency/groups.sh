# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Groups of tasks that get next to nothing of the CPUs, or nothing at all. Needs a kernel that has such groups.

GROUP=/sys/fs/cgroup/klp

# COMMAND finds a group, and whoever is still in it afterwards is ended.
with_group() { # COMMAND...
	local verdict=0

	[ -e "${GROUP%/*}/cgroup.procs" ] || mount -t cgroup2 cgroup2 "${GROUP%/*}" || fail "no groups"
	echo +cpu >"${GROUP%/*}/cgroup.subtree_control" || fail "groups cannot be throttled"
	mkdir $GROUP
	("$@") || verdict=1
	echo max >$GROUP/cpu.max
	echo 0 >$GROUP/cgroup.freeze
	empty_group
	wait_until remove_group
	return $verdict
}

remove_group() {
	rmdir $GROUP 2>/dev/null
}

empty_group() {
	local pid

	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null
	done <$GROUP/cgroup.procs
}

in_group() { # COMMAND...
	echo $BASHPID >$GROUP/cgroup.procs
	"$@"
}

throttled() { # TIMES -- at least
	local key value

	while read -r key value; do
		[ "$key" != nr_throttled ] || break
	done <$GROUP/cpu.stat
	[ "$value" -ge "$1" ]
}

# --- throttled ------------------------------------------------------------------------------------------

run_all_the_time() {
	while :; do
		echo 1 300 >/proc/klp_oracle
	done
}

# It has a hundredth of a CPU, and most of that in the functions: where it is preempted, it is in them for 0.2 s at a time.
switch_beside_a_throttled_task() {
	load klp_oracle threads=2
	echo 2000 200000 >$GROUP/cpu.max
	in_group run_all_the_time &
	wait_until throttled 5
	set_limits 1000 600000
	load klp_oracle_new
	expect "result" switched "$(stat_of result klp_oracle_new)"
	echo "# $(stat_of attempts klp_oracle_new) attempts"
	unload klp_oracle_new
	expect "result" switched "$(stat_of result)"
	echo "# $(stat_of attempts) attempts"
	expect "mixtures" 0 "$(oracle_count mixtures)"
	expect "torn runs" 0 "$(oracle_count torn)"
	empty_group
	wait 2>/dev/null
	remove_module klp_oracle
}

case_consistency_switches_beside_throttled_tasks() {
	with_group for_both_modes switch_beside_a_throttled_task
}

hog() {
	while :; do :; done
}

# When it is to go on with its exit, there is nothing left of the fiftieth of a CPU that it shares.
wait_for_a_throttled_exit() {
	local exiting

	use_mode system
	set_limits 1000 600000
	load klp_target
	load klp_oracle
	load klp_late usecs=1500000
	in_group exit_slowly "$WORK/exiting" &
	wait_until test -s "$WORK/exiting"
	exiting=$(<"$WORK/exiting")
	wait_until sleeps_in klp_late_exit_io_context "$exiting"
	echo 10000 500000 >$GROUP/cpu.max
	in_group hog &
	start_load klp_a01 funcs=klp_target:klp_target_alpha
	wait_until blocked_by "$exiting (exiting) true"
	wait_until settled klp_a01
	throttled 1 || fail "nobody was throttled"
	expect "result" switched "$(stat_of result klp_a01)"
	[ "$(stat_of stops klp_a01)" -le 2 ] || fail "$(stat_of stops klp_a01) stops"
	echo "# $(stat_of attempts klp_a01) attempts, $(<"$SYSFS/klp_a01/transition_stats/elapsed_ms") ms"
	echo max >$GROUP/cpu.max
	empty_group
	wait 2>/dev/null
	unload_all
}

case_consistency_waits_for_an_exit_that_is_throttled() {
	with_group wait_for_a_throttled_exit
}

# --- frozen ---------------------------------------------------------------------------------------------

freeze_a_sleeper() {
	sleep 600 &
	FROZEN=$!
	echo $FROZEN >$GROUP/cgroup.procs
	echo 1 >$GROUP/cgroup.freeze
	wait_until grep -q '^frozen 1' $GROUP/cgroup.events
}

# Frozen in a function that is switched it holds that up, and is named; elsewhere it does not matter.
switch_past_a_frozen_task() {
	freeze_a_sleeper
	set_limits 1 600000
	start_load klp_a01 funcs=vmlinux:get_signal
	wait_until gone klp_a01
	expect "result" failed "$(stat_of result)"
	expect "in the way" "$FROZEN get_signal $(<"/proc/$FROZEN/comm")" "$(stat_of blocker)"
	expect "frozen" "$FROZEN" "$(stat_of frozen)"
	remove_module klp_a01
	switch_on_and_off
	grep -q '^frozen 1' $GROUP/cgroup.events || fail "it is not frozen any more"
	echo 0 >$GROUP/cgroup.freeze
	empty_group
	wait 2>/dev/null
}

case_consistency_tells_who_is_frozen() {
	with_group for_both_modes switch_past_a_frozen_task
}
