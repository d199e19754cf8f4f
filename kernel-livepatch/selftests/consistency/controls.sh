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
	use_mode system
	load klp_idle
	expect "result" switched "$(stat_of result klp_idle)"
	unload klp_idle
}
