# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The kernel fails each single allocation of a load, one after the other. Needs fault injection.

# Loads and unloads with the Nth allocation failing, for all N until none is left to fail.
# BEFORE is run ahead of each load.
fail_each_allocation() { # BEFORE NAME [PARAMETER]...
	local before=$1 name=$2 nth outcome fails=0 state

	shift 2
	for nth in {1..2000}; do
		$before
		state="$(conflicts) $(stack)"
		outcome=$(try_load -n "$nth" "$name" "$@")
		case "$outcome" in
		"loaded missed")
			[ $fails -gt 0 ] || fail "no allocation made the load fail"
			echo "# $nth allocations, $fails of them fatal"
			return
			;;
		"loaded hit")
			[ ! -e "$SYSFS/$name" ] || wait_until settled "$name"
			unload "$name"
			;;
		*" hit")
			fails=$((fails + 1))
			[ ! -e "$SYSFS/$name" ] || wait_until gone "$name"
			[ ! -e "/sys/module/$name" ] || fail "left in memory: allocation $nth, $outcome"
			expect "state after allocation $nth" "$state" "$(conflicts) $(stack)"
			;;
		*) fail "allocation $nth: $outcome" ;;
		esac
	done
	fail "allocations never end"
}

quietly() {
	echo N >/sys/kernel/debug/failslab/task-filter
	echo 0 >/sys/kernel/debug/failslab/verbose
	echo N >/sys/kernel/debug/failslab/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/fail_page_alloc/verbose
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait
}

case_allocation_failures_of_a_first_load() {
	quietly
	fail_each_allocation true klp_low funcs=vmlinux:cmdline_proc_show
	expect "what runs" klp_low "$(runs /proc/cmdline)"
}

grant_top() {
	grant klp_top klp_low
}

case_allocation_failures_of_a_granted_load() {
	quietly
	load klp_target
	load klp_low funcs=vmlinux:cmdline_proc_show,klp_target:klp_target_alpha
	fail_each_allocation grant_top klp_top \
		funcs=vmlinux:cmdline_proc_show,klp_target:klp_target_alpha
	expect "what runs" "klp_top klp_top" "$(runs /proc/cmdline $TARGET/alpha)"
}

case_allocation_failures_of_a_refused_load() {
	local nth outcome

	quietly
	load klp_low funcs=vmlinux:cmdline_proc_show
	for nth in {1..2000}; do
		outcome=$(try_load -n "$nth" klp_top funcs=vmlinux:cmdline_proc_show)
		case "$outcome" in
		"ENOTUNIQ missed") return ;;
		loaded*) fail "short memory let a conflict in" ;;
		esac
		expect "stack" klp_low "$(stack)"
	done
	fail "allocations never end"
}

case_allocation_failures_of_a_module_that_comes() {
	quietly
	load klp_reloc
	load klp_low funcs=klp_target:klp_target_alpha
	grant klp_top klp_low
	load klp_top funcs=klp_target:klp_target_alpha
	fail_each_allocation true klp_target
	expect "what runs" "klp_top klp_reloc" "$(runs $TARGET/alpha $TARGET/beta)"
}
