# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Would the other cases notice? The core makes a mistake on purpose (klp_break.c), and is caught. What says nothing of the
# kernel is not run where everything takes many times as long, on debug kernels.

case_consistency_per_task_mixes() {
	consult_oracle per_task 10
	[ "$MIXTURES" -gt 0 ] || fail "the oracle sees no mixtures where there must be some"
}

# With a mistake in the core a mixture is a matter of chance: it is given more of them until one is seen.
caught_by_oracle() { # MODE ROUNDS [LATE_USECS]
	local attempt

	for attempt in {1..60}; do
		consult_oracle "$@"
		[ "$MIXTURES" -eq 0 ] || return 0
	done
	fail "not caught in $attempt attempts"
}

case_consistency_oracle_catches_a_skipped_recheck() {
	load klp_break mistake=recheck
	caught_by_oracle system 15
}

case_consistency_oracle_catches_forgotten_exits() {
	load klp_break mistake=exiting
	caught_by_oracle stop_machine 5 50000
}

case_consistency_oracle_catches_forgotten_old_exits() {
	load klp_break mistake=exiting
	caught_by_oracle system 5 50000
}

case_consistency_oracle_catches_a_forgotten_overflow() {
	load klp_break mistake=overflow
	with_few_notes caught_by_oracle system 15
}

case_consistency_idle_check_is_what_finds_them() {
	load klp_break mistake=idle
	disable_idle
	expect "result" switched "$(stat_of result)"
	# Until the last idle task has left it.
	doze 2
	remove_module klp_idle
}

# The same as in whole-system.sh, where the transition fails.
switch_with_a_sleeper_in_a_part() { # WAY PART FUNCTION
	local sleeper

	load klp_oracle
	echo 1 >/sys/module/klp_oracle/parameters/hold
	{ echo "$1 0" >/proc/klp_oracle; } &
	sleeper=$!
	wait_until sleeps_in "${2%.cold}" $sleeper
	load klp_a01 "funcs=klp_oracle:$3"
	expect "result" switched "$(stat_of result klp_a01)"
	echo 0 >/sys/module/klp_oracle/parameters/hold
	wait $sleeper
	unload klp_a01
	remove_module klp_oracle
}

case_consistency_parts_are_what_finds_them() {
	load klp_break mistake=parts
	use_mode system
	switch_with_a_sleeper_in_a_part 5 klp_oracle_rare.cold klp_oracle_rare
	switch_with_a_sleeper_in_a_part 6 klp_oracle_split.part.0 klp_oracle_split
}

case_consistency_text_of_the_module_is_what_finds_helpers() {
	load klp_break mistake=helpers
	load klp_target
	use_mode system
	load klp_a01 tail=1 funcs=klp_target:klp_target_alpha
	hold_reader klp_a01 $TARGET/alpha
	start_disable klp_a01
	wait_until gone klp_a01
	expect "result" switched "$(stat_of result)"
	release_reader klp_a01
	unload klp_a01
}
