# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The oracle in a crowd. An emulated machine takes minutes for a switch there, so it is only planned where many are asked for.

# Whoever asks must not queue behind the crowd, nor those that a load waits for: RCU, softirqs, workers.
hurry_past_the_crowd() { # POLICY PRIORITY
	local task comm

	chrt "$1" -p "$2" $BASHPID
	for task in $(pgrep -P 2); do
		read -r comm <"/proc/$task/comm" || continue
		case $comm in
		migration/* | klp_switcher) ;;
		*) chrt "$1" -p "$2" "$task" ;;
		esac
	done 2>/dev/null
}

# More run, in turn, than a table of 4,096 would take.
switch_among_thousands() {
	# Kernel threads would wait for a CPU in the functions, and at a realtime priority the storm would leave it to nobody.
	load klp_oracle
	# More than a small kernel has by default
	echo 32768 >/proc/sys/kernel/threads-max
	echo 32768 >/proc/sys/kernel/pid_max
	STORM_AS="chrt -o 0 nice -n -20"
	hurry_past_the_crowd -f 1
	"$MODULES/klp-crowd" 4200 4200 >"$WORK/crowd" &
	MEANWHILE=$!
	wait_until grep -q ready "$WORK/crowd"
	expect_one_instant system $((ORACLE_ROUNDS / 25))
}

case_consistency_switches_at_one_instant_among_thousands_that_run() {
	local verdict=0

	(switch_among_thousands) || verdict=1
	hurry_past_the_crowd -o 0
	return $verdict
}
