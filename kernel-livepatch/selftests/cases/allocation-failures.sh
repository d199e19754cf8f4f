# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The kernel fails each single allocation of our code, one after the other. Needs fault injection.
#
# Most allocations of a load are the module loader's. klp_fault.ko limits the failures to the ones
# that a livepatch causes: all that klp_enable_patch() makes, ftrace's and sysfs' included, and all
# that the module loader makes for livepatches that are loaded already.
#
# zy: among the last. When one of its own allocations fails, DEBUG_OBJECTS turns itself off.

case_zy_allocation_failures_of_a_first_load() {
	fail_allocations_of_a_first_load
}

case_zy_allocation_failures_of_a_granted_load() {
	load klp_target
	load klp_low funcs=klp_target:klp_target_alpha
	fail_allocations klp_enable_patch -a klp_top -g klp_low -s $TARGET/alpha \
		load "$MODULES/klp_p00.ko" funcs=klp_target:klp_target_alpha
	expect "what runs" klp_top "$(runs $TARGET/alpha)"
	expect "conflicts" "klp_target klp_target_alpha,1 klp_top klp_low" "$(conflicts)"
}

case_zy_allocation_failures_of_a_refused_load() {
	load klp_target
	load klp_low funcs=klp_target:klp_target_alpha
	fail_allocations klp_enable_patch -a klp_top -e ENOTUNIQ -s $TARGET/alpha \
		load "$MODULES/klp_p00.ko" funcs=klp_target:klp_target_alpha
}

case_zy_allocation_failures_of_a_takeover() {
	load klp_target
	fail_allocations klp_enable_patch -a klp_new -s $TARGET/alpha -s $TARGET/beta \
		-b klp_low,funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta \
		load "$MODULES/klp_p00.ko" replace=1 funcs=klp_target:klp_target_alpha
	expect "what runs" "klp_new original" "$(runs $TARGET/alpha $TARGET/beta)"
}

# Short memory makes the module loader look the symbols up one by one.
case_zy_allocation_failures_of_relocations() {
	load klp_target
	fail_allocations klp_apply_section_relocs -n -s $TARGET/beta \
		-s /sys/module/klp_reloc/parameters/addresses load "$MODULES/klp_reloc.ko"
	expect "what runs" klp_reloc "$(runs $TARGET/beta)"
}

case_zy_allocation_failures_of_a_module_that_comes() {
	load klp_reloc
	load klp_low funcs=klp_target:klp_target_alpha
	grant klp_top klp_low
	load klp_top funcs=klp_target:klp_target_alpha
	fail_allocations klp_module_coming -s $TARGET/alpha -s $TARGET/beta \
		load "$MODULES/klp_target.ko"
	expect "what runs" "klp_top klp_reloc" "$(runs $TARGET/alpha $TARGET/beta)"
}

case_zy_allocation_failures_of_a_grant() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	try_allocations write "$SYSFS/override" "klp_top klp_low"
	waits klp_top
	load klp_top funcs=vmlinux:cmdline_proc_show
}

case_zy_allocation_failures_of_reading_conflicts() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show
	try_allocations read $DEBUGFS/conflicts
	try_allocations read $DEBUGFS/shares
}
