# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Several livepatches on one function, and how sysfs follows them.

load_three() {
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	grant klp_mid klp_low
	load klp_mid funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show
	grant klp_top klp_mid,klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show
}

case_three_deep_stack() {
	load_three

	expect "stack" "klp_low klp_mid klp_top" "$(stack)"
	expect "stack_order" "1 2 3" "$(cat $SYSFS/klp_{low,mid,top}/stack_order | xargs)"
	expect "what runs" "klp_top klp_low klp_top" \
		"$(cat /proc/cmdline) $(cat /proc/version) $(cat /proc/loadavg)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_top klp_mid klp_low
vmlinux loadavg_proc_show,1 klp_top klp_mid" "$(conflicts)"
	expect "share of klp_mid" "override klp_low
shadows vmlinux cmdline_proc_show,1 klp_low
lost vmlinux cmdline_proc_show,1 klp_top
lost vmlinux loadavg_proc_show,1 klp_top" "$(conflicts klp_mid)"
	expect "share of klp_low" "lost vmlinux cmdline_proc_show,1 klp_top klp_mid" \
		"$(conflicts klp_low)"
}

case_a_three_deep_stack_needs_every_victim_named() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_mid klp_low
	load klp_mid funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_mid
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
	expect_log "$(conflict_line klp_top cmdline_proc_show,1 vmlinux klp_low)"
	expect_log_count 1 "livepatch: conflict: 'klp_top'"
}

case_the_middle_one_is_disabled() {
	load_three
	unload klp_mid

	expect "stack" "klp_low klp_top" "$(stack)"
	expect "stack_order" "1 2" "$(cat $SYSFS/klp_{low,top}/stack_order | xargs)"
	expect "what runs" "klp_top klp_low klp_top" \
		"$(cat /proc/cmdline) $(cat /proc/version) $(cat /proc/loadavg)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_top klp_low" "$(conflicts)"
	expect "share of klp_top" "override klp_mid klp_low
shadows vmlinux cmdline_proc_show,1 klp_low" "$(conflicts klp_top)"

	# On top again, and so in need of a grant again
	refuse ENOTUNIQ klp_mid funcs=vmlinux:loadavg_proc_show
	grant klp_mid klp_top
	load klp_mid funcs=vmlinux:loadavg_proc_show
	expect "stack" "klp_low klp_top klp_mid" "$(stack)"
	expect "what runs" klp_mid "$(cat /proc/loadavg)"
}

case_the_top_one_is_disabled() {
	load_three
	unload klp_top
	expect "what runs" "klp_mid klp_low klp_mid" \
		"$(cat /proc/cmdline) $(cat /proc/version) $(cat /proc/loadavg)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_mid klp_low" "$(conflicts)"
}

case_replace_takes_over_and_says_what_it_drops() {
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	load klp_mid funcs=vmlinux:loadavg_proc_show
	load klp_new replace=1 funcs=vmlinux:cmdline_proc_show

	expect_log_count 0 "livepatch: conflict:"
	expect_log "klp: takeover of 1 functions, 2 dropped"
	expect_log "klp: takeover drops function 'version_proc_show,1' of the livepatch at stack order 1"
	expect_log "klp: takeover drops function 'loadavg_proc_show,1' of the livepatch at stack order 2"
	wait_until gone klp_low
	wait_until gone klp_mid
	expect "stack" klp_new "$(stack)"
	expect "stack_order" 1 "$(cat $SYSFS/klp_new/stack_order)"
	expect "conflicts" "" "$(conflicts)$(conflicts klp_new)"
	expect "what runs" klp_new "$(cat /proc/cmdline)"
	grep -q Linux /proc/version || fail "version is still patched"
}

case_replace_by_position_1_of_what_was_position_0() {
	load klp_low funcs=vmlinux:cmdline_proc_show:0
	load klp_new replace=1 funcs=vmlinux:cmdline_proc_show:1
	expect_log "klp: takeover of 1 functions, 0 dropped"
	expect "what runs" klp_new "$(cat /proc/cmdline)"
}

case_a_patch_on_top_of_a_replacing_one_conflicts() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	load klp_new replace=1 funcs=vmlinux:version_proc_show
	refuse ENOTUNIQ klp_top funcs=vmlinux:version_proc_show
	load klp_top funcs=vmlinux:cmdline_proc_show
}

case_sysfs_during_a_takeover() {
	load klp_target
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show,klp_target:klp_target_beta
	block
	start_load klp_new replace=1 funcs=vmlinux:cmdline_proc_show,klp_target:klp_target_block

	expect "transition" 1 "$(cat $SYSFS/klp_new/transition)"
	expect "stack" "klp_low klp_new" "$(stack)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_new klp_low" "$(conflicts)"
	expect "share of klp_new" "shadows vmlinux cmdline_proc_show,1 klp_low
drops vmlinux version_proc_show,1 klp_low
drops klp_target klp_target_beta,1 klp_low" "$(conflicts klp_new)"

	unblock
	wait_until gone klp_low
	expect "conflicts afterwards" "" "$(conflicts)$(conflicts klp_new)"
}

many_functions() { # COUNT -- OBJECT:FUNCTION list of functions that nobody calls in these tests
	sed 's/ .*//' /sys/kernel/tracing/available_filter_functions | grep -E '^ext4_|^__ext4_' |
		sort | uniq -u | grep -v '[.]' | sed 's/^/vmlinux:/' | head -n "$1" | paste -sd ,
}

case_conflicts_longer_than_a_page() {
	local functions fd

	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	functions=$(many_functions 100)
	load klp_low "funcs=$functions"
	grant klp_top klp_low
	load klp_top "funcs=$functions"

	expect "lines" 100 "$(conflicts | wc -l)"
	expect "whole lines" 100 "$(conflicts | grep -cE '^vmlinux [a-z0-9_]+,1 klp_top klp_low$')"
	expect "lines of klp_low" 100 "$(conflicts klp_low | grep -c '^lost vmlinux .* klp_top$')"
	expect "lines of klp_top" 101 "$(conflicts klp_top | wc -l)"

	# A reader whose text has changed is told so, it does not get the end of another text.
	exec {fd}<"$SYSFS/conflicts"
	dd bs=512 count=1 status=none <&"$fd" >/dev/null || fail "cannot read"
	unload klp_low
	dd bs=512 count=1 status=none <&"$fd" 2>&1 | grep -q "Stale file handle" ||
		fail "a stale text was continued"
	exec {fd}<&-
}
