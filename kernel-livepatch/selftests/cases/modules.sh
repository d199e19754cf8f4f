# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Livepatches for modules that come and go.

case_conflict_in_a_module_that_is_loaded() {
	load klp_target
	load klp_low funcs=klp_target:klp_target_alpha
	refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_alpha
	expect_log "$(conflict_line klp_top klp_target_alpha,1 klp_target klp_low)"
	expect "what runs" klp_low "$(runs $TARGET/alpha)"
}

case_conflict_in_a_module_that_is_not_loaded_yet() {
	load klp_low funcs=klp_target:klp_target_alpha
	refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_alpha
	expect_log "$(conflict_line klp_top klp_target_alpha,1 klp_target klp_low)"

	load klp_target
	expect "what runs" klp_low "$(runs $TARGET/alpha)"
}

case_override_holds_when_the_module_is_loaded_later_and_again() {
	local round

	load klp_low funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	grant klp_top klp_low
	load klp_top funcs=klp_target:klp_target_alpha
	for round in 1 2; do
		expect "conflicts without the module" "klp_target klp_target_alpha,1 klp_top klp_low" \
			"$(conflicts)"
		load klp_target
		expect "what runs in round $round" "klp_top klp_low" \
			"$(runs $TARGET/alpha $TARGET/beta)"
		expect "conflicts" "klp_target klp_target_alpha,1 klp_top klp_low" "$(conflicts)"
		remove_module klp_target
	done
}

case_a_reloaded_module_is_patched_as_before() {
	local round

	load klp_low funcs=klp_target:klp_target_alpha
	for round in 1 2 3; do
		load klp_target
		expect "what runs in round $round" klp_low "$(runs $TARGET/alpha)"
		refuse ENOTUNIQ klp_top funcs=klp_target:klp_target_alpha
		remove_module klp_target
	done
}

case_other_names_show_when_the_module_comes_and_keep_it_out() {
	load klp_low funcs=klp_target:klp_target_alpha
	load klp_top funcs=klp_target:klp_target_alias
	expect "conflicts that cannot be known yet" "" "$(conflicts)"

	refuse ENOTUNIQ klp_target
	expect_log "$(conflict_line klp_top klp_target_alias,1 klp_target klp_low klp_target_alpha,1)"
	expect_log "livepatch: refusing to load module 'klp_target' (-76)"

	unload klp_top
	load klp_target
	expect "what runs" klp_low "$(runs $TARGET/alpha)"
}

case_one_function_twice_in_one_patch_shows_when_the_module_comes() {
	load klp_low funcs=klp_target:klp_target_alpha,klp_target:klp_target_alias
	refuse EINVAL klp_target
	expect_log "livepatch: 'klp_low' changes function 'klp_target_alpha,1' of object 'klp_target' twice, also as 'klp_target_alias,1'"
	expect_log "livepatch: refusing to load module 'klp_target' (-22)"
	unload klp_low
	load klp_target
}

case_a_grant_covers_other_names_in_a_module_that_comes_later() {
	load klp_low funcs=klp_target:klp_target_alpha
	grant klp_top klp_low
	load klp_top funcs=klp_target:klp_target_alias
	load klp_target

	expect "what runs" klp_top "$(runs $TARGET/alpha)"
	expect "conflicts" "klp_target klp_target_alias,1 klp_top klp_low:klp_target_alpha,1" \
		"$(conflicts)"
	expect "share of klp_low" "lost klp_target klp_target_alpha,1 klp_top:klp_target_alias,1" \
		"$(conflicts klp_low)"
	remove_module klp_target
	expect "conflicts without addresses" "" "$(conflicts)"
}

case_a_module_without_the_function_is_refused_and_then_forgotten() {
	load klp_low funcs=klp_target:klp_target_alpha
	load klp_top funcs=klp_target:no_such_function
	refuse EINVAL klp_target
	expect_log "livepatch: symbol 'no_such_function' not found in symbol table"

	unload klp_top
	load klp_target
	expect "what runs" klp_low "$(runs $TARGET/alpha)"
	refuse ENOTUNIQ klp_mid funcs=klp_target:klp_target_alpha
}

case_functions_in_vmlinux_and_in_modules_in_one_patch() {
	load klp_target
	load klp_low funcs=vmlinux:version_proc_show,klp_target:klp_target_alpha,klp_target:klp_target_twin:2
	expect "what runs" "klp_low klp_low original one klp_low" \
		"$(runs /proc/version $TARGET/alpha $TARGET/twin_one $TARGET/twin_two)"
	refuse ENOTUNIQ klp_top funcs=vmlinux:version_proc_show,klp_target:klp_target_beta
	expect_log_count 1 "livepatch: conflict:"
}
