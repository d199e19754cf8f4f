# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Did all tasks switch at one instant? klp_oracle.c tells.

# How often it sees the livepatch switched on and off; more is better, and takes longer.
ORACLE_ROUNDS=${ORACLE_ROUNDS:-15}

oracle_count() { # NAME
	sed -n "s/^$1 //p" /proc/klp_oracle
}

# Sets MIXTURES, TORN, TURNS, SWITCHED; what the kernel tells of each switch goes to $WORK/switches. Exiting tasks are in the
# functions for LATE_USECS. What goes on meanwhile, as process MEANWHILE, is ended with the switches; DETACH is what has to be done
# before the functions go.
consult_oracle() { # MODE ROUNDS [LATE_USECS]
	local storm answer pause=$((4 * ${3:-0}))

	[ -e /proc/klp_oracle ] || load klp_oracle threads=2
	# Task by task those would not be seen that exit in it, and it goes while they do.
	load klp_late "usecs=${3:-3000}" livepatch.consistency=system
	use_mode "$1"
	# When it switches is what is asked, not how soon.
	set_limits 1000 600000
	${STORM_AS-} "$MODULES/klp-storm" 2 &
	storm=$!
	answer=$("$MODULES/klp-switch" "$MODULES/klp_oracle_new.ko" klp_oracle_new "$2" $pause 2>"$WORK/switches")
	kill $storm
	# Nothing could be unloaded as long as it holds the oracle's module, or exits through klp_late.
	[ -z "${MEANWHILE-}" ] || { kill "$MEANWHILE"; wait "$MEANWHILE" 2>/dev/null; }
	# Nothing but time waits for those that exit when the core forgets them.
	[ $pause = 0 ] || doze 1
	unload klp_late
	wait_until unused klp_oracle
	MIXTURES=$(oracle_count mixtures)
	TORN=$(oracle_count torn)
	TURNS=$(oracle_count turns)
	SWITCHED=$(echo "$answer" | cut -d ' ' -f 2)
	echo "# $1: $answer, runs $(oracle_count runs), mixtures $MIXTURES, torn $TORN, turns $TURNS"
	${DETACH-}
	remove_module klp_oracle
}

expect_one_instant() { # MODE ROUNDS [LATE_USECS]
	consult_oracle "$@"
	expect "switches" $((2 * $2)) "$SWITCHED"
	expect "mixtures" 0 "$MIXTURES"
	expect "torn runs" 0 "$TORN"
	# Two switches that follow each other before anybody runs leave no trace; a turn too many is a mixture.
	[ "$TURNS" -le "$SWITCHED" ] || fail "$TURNS turns in $SWITCHED switches"
	[ "$TURNS" -ge $((SWITCHED / 2)) ] || fail "nobody ran: $TURNS turns in $SWITCHED switches"
}

case_consistency_switches_at_one_instant() {
	expect_one_instant system "$ORACLE_ROUNDS"
	expect_one_instant stop_machine "$ORACLE_ROUNDS"
}

switch_while_they_come_and_go() { # CPU-FILE...
	local cpu

	while :; do
		for cpu; do
			echo 0 >"$cpu"
			doze 0.1
		done
		for cpu; do
			echo 1 >"$cpu"
			doze 0.1
		done
	done &
	expect_one_instant system "$ORACLE_ROUNDS"
	expect_one_instant stop_machine "$ORACLE_ROUNDS"
	kill %1
	wait %1 2>/dev/null || :
}

case_consistency_copes_with_cpus_that_come_and_go() {
	local cpus=(/sys/devices/system/cpu/cpu[1-9]*/online) cpu verdict=0

	[ -e "${cpus[0]}" ] || fail "this machine has one CPU"
	(switch_while_they_come_and_go "${cpus[@]}") || verdict=1
	for cpu in "${cpus[@]}"; do
		echo 1 >"$cpu" 2>/dev/null || expect "$cpu" 1 "$(<"$cpu")"
	done
	return $verdict
}

# --- tracers of the functions that are switched -----------------------------------------------------

TRACING=/sys/kernel/debug/tracing

# function_graph and kretprobes put addresses of their own where the stack has return addresses.
switch_while_traced() { # TRACER MODE
	load klp_oracle threads=2
	echo 'klp_oracle_outer klp_oracle_inner' >$TRACING/set_ftrace_filter
	echo "$1" >$TRACING/current_tracer
	load klp_stopwatch func=klp_oracle_outer
	expect_one_instant "$2" "$ORACLE_ROUNDS"
	grep -q '^entries: [1-9]' $TRACING/per_cpu/cpu0/stats || fail "$1 has traced nothing"
	[ "$(</sys/module/klp_stopwatch/parameters/calls)" -gt 0 ] || fail "nothing was probed"
	remove_module klp_stopwatch
}

case_consistency_copes_with_tracers_of_its_functions() {
	local tracer tracers mode verdict

	[ -e $TRACING/current_tracer ] || mount -t debugfs debugfs /sys/kernel/debug
	tracers=" $(<$TRACING/available_tracers) "
	for tracer in function function_graph; do
		[[ $tracers == *" $tracer "* ]] || continue
		for mode in system stop_machine; do
			(switch_while_traced $tracer $mode)
			verdict=$?
			echo nop >$TRACING/current_tracer
			echo >$TRACING/set_ftrace_filter
			[ $verdict = 0 ] || return 1
		done
	done
}

# Programs of BPF as kprobes, kretprobes and, where the kernel has them, fprobes.
switch_with_bpf() { # MODE
	load klp_oracle threads=2
	"$MODULES/klp-bpf" klp_oracle_outer klp_oracle_inner >"$WORK/bpf" &
	MEANWHILE=$!
	wait_until grep -q ready "$WORK/bpf"
	expect_one_instant "$1" "$ORACLE_ROUNDS"
	echo "# $(xargs <"$WORK/bpf")"
	grep -q '^runs [1-9]' "$WORK/bpf" || fail "no program has run"
}

can_consistency_copes_with_bpf_at_its_functions() {
	[ -e /sys/bus/event_source/devices/kprobe ]
}

case_consistency_copes_with_bpf_at_its_functions() {
	(switch_with_bpf system) && (switch_with_bpf stop_machine)
}

switch_with_fprobe() { # MODE
	load klp_oracle threads=2
	load klp_fprobe func=klp_oracle_outer
	expect_one_instant "$1" "$ORACLE_ROUNDS"
	[ "$(</sys/module/klp_fprobe/parameters/calls)" -gt 0 ] || fail "nothing was probed"
	remove_module klp_fprobe
}

can_consistency_copes_with_fprobes_at_its_functions() {
	[ -e "$MODULES/klp_fprobe.ko" ]
}

case_consistency_copes_with_fprobes_at_its_functions() {
	switch_with_fprobe system
	switch_with_fprobe stop_machine
}

detach_trampoline() {
	CALLS=$(</sys/module/klp_direct/parameters/calls)
	remove_module klp_direct
}

# As BPF's fentry: tasks sleep between the choice of the function and its beginning.
switch_with_trampoline() { # MODE
	load klp_oracle threads=2
	load klp_direct func=klp_oracle_outer
	DETACH=detach_trampoline
	expect_one_instant "$1" "$ORACLE_ROUNDS"
	[ "$CALLS" -gt 0 ] || fail "nobody came by the trampoline"
	echo "# $CALLS calls of the trampoline"
}

can_consistency_copes_with_trampolines_at_its_functions() {
	[ -e "$MODULES/klp_direct.ko" ]
}

case_consistency_copes_with_trampolines_at_its_functions() {
	(switch_with_trampoline system) && (switch_with_trampoline stop_machine)
}

# --- crowds -------------------------------------------------------------------------------------------

case_consistency_switches_at_one_instant_while_tasks_exit_all_the_time() {
	"$MODULES/klp-exits" 1 &
	MEANWHILE=$!
	# One after the other, each for a short time: were there always one in the functions, no switch would find its moment.
	expect_one_instant system $(((ORACLE_ROUNDS + 4) / 5)) 300
}
