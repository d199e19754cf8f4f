# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# While another livepatch is neither here nor there.

case_load_during_a_transition_is_refused_first() {
	load klp_target
	block
	start_load klp_low funcs=klp_target:klp_target_block,vmlinux:cmdline_proc_show
	grant klp_top klp_low
	# Conflict or not, granted or not: the answer is the same.
	refuse EBUSY klp_top funcs=vmlinux:cmdline_proc_show
	refuse EBUSY klp_mid funcs=vmlinux:cmdline_proc_show
	refuse EBUSY klp_mid funcs=vmlinux:version_proc_show
	refuse EBUSY klp_new funcs=vmlinux:version_proc_show replace=1
	expect_log "livepatch: 'klp_top' cannot be loaded while 'klp_low' is in transition"
	expect_log_count 0 "livepatch: conflict:"

	unblock
	wait_until settled klp_low
	# That load has used up the grant.
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_sysfs_during_transitions() {
	load klp_target
	load klp_mid funcs=vmlinux:version_proc_show
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	block
	start_load klp_top funcs=klp_target:klp_target_block,vmlinux:cmdline_proc_show
	expect "stack while enabling" "klp_mid klp_low klp_top" "$(stack)"
	expect "conflicts while enabling" "vmlinux cmdline_proc_show,1 klp_top klp_low" "$(conflicts)"

	# Turned round half way, it goes out of the stack.
	start_disable klp_top
	expect "conflicts while disabling" "vmlinux cmdline_proc_show,1 klp_top klp_low" "$(conflicts)"
	unblock
	wait_until gone klp_top
	expect "stack" "klp_mid klp_low" "$(stack)"
	expect "conflicts" "" "$(conflicts)"
}

case_load_while_the_victim_is_being_disabled() {
	local round outcome

	for round in {1..10}; do
		load klp_low funcs=vmlinux:cmdline_proc_show
		start_disable klp_low
		outcome=$(try_load klp_top funcs=vmlinux:cmdline_proc_show)
		case "$outcome" in
		EBUSY) ;;
		loaded) gone klp_low || fail "klp_top is in beside klp_low" ;;
		*) fail "load while the victim is being disabled: $outcome" ;;
		esac
		wait_until gone klp_low
		unload klp_low
		[ "$outcome" = EBUSY ] || unload klp_top
	done
}

case_load_while_the_victim_cannot_be_disabled_yet() {
	load klp_low funcs=vmlinux:version_proc_show,vmlinux:cmdline_proc_show
	hold_reader klp_low /proc/version
	start_disable klp_low

	refuse EBUSY klp_top funcs=vmlinux:cmdline_proc_show
	expect "stack" klp_low "$(stack)"
	release_reader klp_low
	wait_until gone klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "what runs" klp_top "$(runs /proc/cmdline)"
}

case_two_loads_race() {
	local round low top winner

	for round in {1..15}; do
		try_load klp_low funcs=vmlinux:cmdline_proc_show >"$WORK/low" &
		try_load klp_top funcs=vmlinux:cmdline_proc_show >"$WORK/top" &
		wait
		low=$(<"$WORK/low")
		top=$(<"$WORK/top")
		case "$low $top" in
		"loaded EBUSY" | "loaded ENOTUNIQ") winner=klp_low ;;
		"EBUSY loaded" | "ENOTUNIQ loaded") winner=klp_top ;;
		*) fail "outcomes in round $round: $low $top" ;;
		esac
		expect "stack" $winner "$(stack)"
		wait_until settled $winner
		expect "what runs" $winner "$(runs /proc/cmdline)"
		unload $winner
	done
}

case_two_loads_of_one_patch_race_for_a_grant() {
	local round outcomes

	load klp_low funcs=vmlinux:cmdline_proc_show
	for round in {1..10}; do
		grant klp_top klp_low
		try_load klp_top funcs=vmlinux:cmdline_proc_show >"$WORK/one" &
		try_load klp_top funcs=vmlinux:cmdline_proc_show >"$WORK/two" &
		wait
		outcomes="$(<"$WORK/one") $(<"$WORK/two")"
		case "$outcomes" in
		# The second one came when the first was done, or found the name taken ...
		"EEXIST loaded" | "loaded EEXIST") unload klp_top ;;
		# ... or made the grant expire before the first one could use it. Linux 6.1 says EBUSY
		# to one that has waited for a load under the same name, which then failed.
		"EEXIST ENOTUNIQ" | "ENOTUNIQ EEXIST" | "ENOTUNIQ ENOTUNIQ") ;;
		"EBUSY ENOTUNIQ" | "ENOTUNIQ EBUSY") ;;
		*) fail "outcomes in round $round: $outcomes" ;;
		esac
		refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
	done
}

read_all() {
	cat $DEBUGFS/* "$SYSFS"/*/stack_order
}

grant_another() {
	echo klp_x00 klp_low >"$SYSFS/override"
}

case_readers_and_loads_at_the_same_time() {
	local round

	repeat read_all
	repeat grant_another
	waits klp_x00
	for round in {1..5}; do
		load klp_low funcs=vmlinux:cmdline_proc_show
		grant klp_top klp_low
		load klp_top funcs=vmlinux:cmdline_proc_show
		refuse ENOTUNIQ klp_mid funcs=vmlinux:cmdline_proc_show
		unload klp_low
		unload klp_top
	done
	stop_repeating
}

come_and_go() {
	try_load klp_target
	"$MODULES/klp-unload" klp_target
}

case_modules_come_and_go_while_patches_do() {
	local round

	repeat come_and_go
	for round in {1..5}; do
		load klp_low funcs=klp_target:klp_target_alpha,vmlinux:cmdline_proc_show
		refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_alpha
		grant klp_top klp_low
		load klp_top funcs=klp_target:klp_target_alpha
		conflicts >/dev/null
		unload klp_top
		unload klp_low
	done
	stop_repeating
}

# Names of their own: on 5.15 these livepatches can never be unloaded.
case_zz_forced_transitions() {
	load klp_target
	block
	start_load klp_f01 funcs=klp_target:klp_target_block,vmlinux:cmdline_proc_show
	echo 1 >$SYSFS/klp_f01/force
	wait_until settled klp_f01
	unblock

	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
	expect_log "$(conflict_line klp_top cmdline_proc_show,1 vmlinux klp_f01)"
	grant klp_top klp_f01
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_top klp_f01" "$(conflicts)"
	unload klp_top

	# Disabled by force, it owns nothing any more, though its module stays.
	hold_reader klp_f01 /proc/cmdline
	start_disable klp_f01
	echo 1 >$SYSFS/klp_f01/force
	wait_until gone klp_f01
	release_reader klp_f01
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "what runs" klp_top "$(runs /proc/cmdline)"
	expect "conflicts" "" "$(conflicts)"
}
