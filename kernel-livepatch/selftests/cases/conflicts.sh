# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Livepatches that change the same function, or do not.

case_same_function_in_two_patches_is_refused() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show

	expect_log "$(conflict_line klp_top cmdline_proc_show,1 vmlinux klp_low)"
	expect_log_count 1 "livepatch: conflict:"
	expect "what runs" klp_low "$(runs /proc/cmdline)"
	expect "stack" klp_low "$(stack)"
	expect "conflicts" "" "$(conflicts)"
}

case_each_conflict_is_reported_and_nothing_else_happens() {
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	load klp_mid funcs=vmlinux:loadavg_proc_show

	refuse ENOTUNIQ klp_top \
		funcs=vmlinux:version_proc_show,vmlinux:loadavg_proc_show,vmlinux:meminfo_proc_show

	# One line, and a file with all of them.
	expect_log "$(conflict_line klp_top version_proc_show,1 vmlinux klp_low), and 1 more"
	expect_log_count 1 "livepatch: conflict:"
	expect "latest load" "klp_top loads
klp_top shadows vmlinux version_proc_show,1 klp_low
klp_top shadows vmlinux loadavg_proc_show,1 klp_mid" "$(latest_load)"
	expect_log_count 0 "enabling patch 'klp_top'"
	expect "what runs" "klp_low klp_mid" "$(runs /proc/version /proc/loadavg)"
	[[ $(</proc/meminfo) == *MemTotal* ]] || fail "meminfo was patched"
}

case_disjoint_patches_both_load() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	load klp_top funcs=vmlinux:version_proc_show

	expect "what runs" "klp_low klp_top" "$(runs /proc/cmdline /proc/version)"
	expect "stack" "klp_low klp_top" "$(stack)"
	expect "conflicts" "" "$(conflicts)$(conflicts klp_low)$(conflicts klp_top)"
	expect_log_count 0 "livepatch: conflict:"
}

case_the_function_is_free_again_after_its_owner_went() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
	unload klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show

	expect "what runs" klp_top "$(runs /proc/cmdline)"
	expect "conflicts" "" "$(conflicts)"
}

case_position_0_and_1_are_the_same() {
	load klp_low funcs=vmlinux:cmdline_proc_show:0
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show:1
	unload klp_low

	load klp_low funcs=vmlinux:cmdline_proc_show:1
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show:0
}

case_functions_of_one_name_are_told_apart_by_position() {
	load klp_target
	refuse EINVAL klp_low funcs=klp_target:klp_target_twin:0
	expect_log "livepatch: unresolvable ambiguity for symbol 'klp_target_twin' in object 'klp_target'"

	load klp_low funcs=klp_target:klp_target_twin:1
	load klp_mid funcs=klp_target:klp_target_twin:2
	expect "what runs" "klp_low klp_mid" "$(runs $TARGET/twin_one $TARGET/twin_two)"

	refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_twin:2
	expect_log "$(conflict_line klp_top klp_target_twin,2 klp_target klp_mid)"
	refuse EINVAL klp_top funcs=klp_target:klp_target_twin:3
	expect_log "livepatch: symbol position 3 for symbol 'klp_target_twin' in object 'klp_target' not found"
}

case_the_same_name_in_another_object_does_not_conflict() {
	load klp_target
	load klp_low funcs=klp_target:klp_target_beta
	refuse EINVAL klp_top funcs=vmlinux:klp_target_beta
	expect_log "livepatch: symbol 'klp_target_beta' not found in symbol table"
	expect_log_count 0 "livepatch: conflict:"
}

case_another_name_for_the_same_code_is_a_conflict() {
	load klp_target
	load klp_low funcs=klp_target:klp_target_alpha
	refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_alias
	expect_log "$(conflict_line klp_top klp_target_alias,1 klp_target klp_low klp_target_alpha,1)"
}

case_one_function_twice_in_one_patch_is_refused() {
	load klp_target
	refuse EINVAL klp_low funcs=klp_target:klp_target_alpha,klp_target:klp_target_alias
	expect_log "livepatch: 'klp_low' changes function 'klp_target_alpha,1' of object 'klp_target' twice, also as 'klp_target_alias,1'"
	refuse EINVAL klp_low replace=1 funcs=klp_target:klp_target_alpha,klp_target:klp_target_alias
	refuse EINVAL klp_low funcs=klp_target:klp_target_alpha:0,klp_target:klp_target_alpha:1
	expect "what runs" original "$(runs $TARGET/alpha)"
	load klp_low funcs=klp_target:klp_target_alias
	expect "what runs" klp_low "$(runs $TARGET/alpha)"
}

case_a_patch_that_does_not_load_is_no_owner() {
	refuse EPERM klp_low funcs=vmlinux:cmdline_proc_show pre_patch_ret=-1
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "what runs" klp_top "$(runs /proc/cmdline)"
}

case_a_clash_with_another_ftrace_user_is_told_apart() {
	load klp_rival func=cmdline_proc_show
	refuse EBUSY klp_low funcs=vmlinux:cmdline_proc_show
	expect_log "livepatch: function 'cmdline_proc_show' is already redirected by another ftrace user, which is no livepatch"
	expect_log_count 0 "livepatch: conflict:"
}
