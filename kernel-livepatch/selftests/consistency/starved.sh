# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Others keep the CPUs that a switch needs.

# COMMAND runs while tasks, started with OPTIONS of chrt, keep all CPUs busy.
while_all_cpus_are_kept() { # OPTIONS COMMAND...
	local options=$1 cpu hogs=()

	shift
	for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
		# shellcheck disable=SC2086
		chrt $options bash -c 'echo >"$0"; while :; do :; done' "$WORK/hog-${cpu##*/}" &
		hogs+=($!)
	done
	for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
		wait_until test -e "$WORK/hog-${cpu##*/}"
	done
	"$@"
	kill "${hogs[@]}"
	wait "${hogs[@]}" 2>/dev/null
	rm "$WORK"/hog-*
}

# The kernel takes a twentieth of the time from realtime tasks for the others; attempts, which are realtime, get none of it.
stays_in_transition() { # PATCH
	start_disable "$1"
	doze 3
	! settled "$1" || fail "$1 has switched: nobody kept the CPUs"
}

case_consistency_waits_for_tasks_of_a_higher_priority() {
	use_mode system
	set_limits 40 1000
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	# It is to see, and to end, what keeps everybody else from the CPUs.
	chrt -f -p 60 $BASHPID
	while_all_cpus_are_kept "-f 50" stays_in_transition klp_a01
	chrt -o -p 0 $BASHPID
	# Its time ran out before it had any: there is one attempt all the same.
	wait_until gone klp_a01
	expect "result" switched "$(stat_of result klp_a01)"
	[ "$(stat_of stops klp_a01)" -le 2 ] || fail "$(stat_of stops klp_a01) stops"
	unload_all
}

switch_off_and_wait() { # PATCH
	start_disable "$1"
	wait_until gone "$1"
	expect "result" switched "$(stat_of result "$1")"
}

# They leave a fifth.
case_consistency_switches_beside_tasks_with_deadlines() {
	use_mode system
	load klp_target
	load klp_a01 funcs=klp_target:klp_target_alpha
	while_all_cpus_are_kept "-d --sched-runtime 80000000 --sched-deadline 100000000 --sched-period 100000000 0" \
		switch_off_and_wait klp_a01
	unload_all
}
