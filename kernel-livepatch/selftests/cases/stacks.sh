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
	expect "stack_order" "1 2 3" "$(orders klp_low klp_mid klp_top)"
	expect "what runs" "klp_top klp_low klp_top" \
		"$(runs /proc/cmdline /proc/version /proc/loadavg)"
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
	expect "stack_order" "1 2" "$(orders klp_low klp_top)"
	expect "what runs" "klp_top klp_low klp_top" \
		"$(runs /proc/cmdline /proc/version /proc/loadavg)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_top klp_low" "$(conflicts)"
	expect "share of klp_top" "override klp_mid klp_low
shadows vmlinux cmdline_proc_show,1 klp_low" "$(conflicts klp_top)"

	# On top again, and so in need of a grant again
	refuse ENOTUNIQ klp_mid funcs=vmlinux:loadavg_proc_show
	grant klp_mid klp_top
	load klp_mid funcs=vmlinux:loadavg_proc_show
	expect "stack" "klp_low klp_top klp_mid" "$(stack)"
	expect "what runs" klp_mid "$(runs /proc/loadavg)"
}

case_the_top_one_is_disabled() {
	load_three
	unload klp_top
	expect "what runs" "klp_mid klp_low klp_mid" \
		"$(runs /proc/cmdline /proc/version /proc/loadavg)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_mid klp_low" "$(conflicts)"
}

case_replace_takes_over_and_says_what_it_drops() {
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	load klp_mid funcs=vmlinux:loadavg_proc_show
	load klp_new replace=1 funcs=vmlinux:cmdline_proc_show

	expect_log_count 0 "livepatch: conflict:"
	expect_log_count 1 "klp: takeover"
	expect_log "klp: takeover of 1 functions, 2 dropped, such as 'loadavg_proc_show,1' of the livepatch at stack order 2"
	expect "latest load" "klp_new loads
klp_new shadows vmlinux cmdline_proc_show,1 klp_low
klp_new drops vmlinux loadavg_proc_show,1 klp_mid
klp_new drops vmlinux version_proc_show,1 klp_low" "$(latest_load)"
	wait_until gone klp_low
	wait_until gone klp_mid
	expect "stack" klp_new "$(stack)"
	expect "stack_order" 1 "$(orders klp_new)"
	expect "conflicts" "" "$(conflicts)$(conflicts klp_new)"
	expect "what runs" klp_new "$(runs /proc/cmdline)"
	[[ $(</proc/version) == Linux* ]] || fail "version is still patched"
}

case_replace_by_position_1_of_what_was_position_0() {
	load klp_low funcs=vmlinux:cmdline_proc_show:0
	load klp_new replace=1 funcs=vmlinux:cmdline_proc_show:1
	expect_log "klp: takeover of 1 functions, 0 dropped"
	expect "what runs" klp_new "$(runs /proc/cmdline)"
}

# klp_low's reader keeps the transition from its end; whoever starts meanwhile has switched.
case_replace_under_another_name() {
	load klp_target
	load klp_low funcs=vmlinux:version_proc_show,klp_target:klp_target_alpha
	hold_reader klp_low /proc/version
	start_load klp_new replace=1 funcs=klp_target:klp_target_alias
	expect_log "klp: takeover of 1 functions, 1 dropped, such as 'version_proc_show,1' of the livepatch at stack order 1"
	expect "what runs meanwhile" klp_new "$(runs $TARGET/alpha)"
	release_reader klp_low
	wait_until gone klp_low
	expect "what runs" klp_new "$(runs $TARGET/alpha)"
}

case_replace_under_another_name_in_a_module_that_comes_meanwhile() {
	load klp_low funcs=vmlinux:version_proc_show,klp_target:klp_target_alpha
	hold_reader klp_low /proc/version
	start_load klp_new replace=1 funcs=klp_target:klp_target_alias
	load klp_target
	expect "what runs meanwhile" klp_new "$(runs $TARGET/alpha)"
	expect "share of klp_new" "drops vmlinux version_proc_show,1 klp_low
shadows klp_target klp_target_alias,1 klp_low:klp_target_alpha,1" "$(conflicts klp_new | sort)"
	release_reader klp_low
	wait_until gone klp_low
	expect "what runs" klp_new "$(runs $TARGET/alpha)"
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

	expect "transition" 1 "$(<$SYSFS/klp_new/transition)"
	expect "stack" "klp_low klp_new" "$(stack)"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_new klp_low" "$(conflicts)"
	expect "share of klp_new" "drops vmlinux version_proc_show,1 klp_low
shadows vmlinux cmdline_proc_show,1 klp_low
drops klp_target klp_target_beta,1 klp_low" "$(conflicts klp_new)"

	unblock
	wait_until gone klp_low
	expect "conflicts afterwards" "" "$(conflicts)$(conflicts klp_new)"
}

case_conflicts_longer_than_a_page() {
	local functions text
	local name=klp_target_one_of_many_whose_names_are_so_long_that_forty_of_them_fill_a_page

	load klp_target
	functions=$(printf ",klp_target:${name}_%02d" {0..39})
	load klp_low "funcs=${functions#,}"
	grant klp_top klp_low
	load klp_top "funcs=${functions#,}"
	expect_log_count 1 "livepatch: override:"

	text=$(printf "klp_target ${name}_%02d,1 klp_top klp_low\n" {0..39})
	[ ${#text} -gt 4096 ] || fail "it is no longer than a page"
	expect "conflicts" "$text" "$(conflicts)"
	text=${text// klp_top klp_low/ klp_top}
	expect "share of klp_low" "${text//klp_target klp/lost klp_target klp}" "$(conflicts klp_low)"
	text=${text// klp_top/ klp_low}
	expect "share of klp_top" "override klp_low
${text//klp_target klp/shadows klp_target klp}" "$(conflicts klp_top)"
}

# Where the handlers of several tools are nested, too.
case_a_function_called_from_nested_handlers_is_patched() {
	load klp_nest
	expect "what runs" original "$(runs /proc/klp_nest)"
	load klp_low funcs=klp_nest:klp_nest_inner
	expect "what runs" klp_low "$(runs /proc/klp_nest)"
}
