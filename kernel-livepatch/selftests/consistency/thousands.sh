# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The oracle in a crowd, of which more want to run than a table of 4,096 notes would take. It takes minutes, so it is only
# planned where many switches are asked for.

CROWD=4200

# These want to run all the time, and get what the others leave: each of them has its turn, but whoever calls the functions, or
# waits in them for a CPU, does not queue behind thousands, nor do RCU and the workers that a load waits for.
gather_a_crowd() {
	# More than a small kernel has by default
	echo 32768 >/proc/sys/kernel/threads-max
	echo 32768 >/proc/sys/kernel/pid_max
	"$MODULES/klp-crowd" $CROWD $CROWD idle >"$WORK/crowd" &
	MEANWHILE=$!
	wait_until grep -q ready "$WORK/crowd"
	expect_crowd
}

expect_crowd() {
	local load running

	read -r _ _ _ load _ </proc/loadavg
	running=${load%/*}
	[ "$running" -ge $CROWD ] || fail "only $running tasks want to run"
}

# In each of the switches
expect_looked_at() { # KEY
	local least

	least=$(awk -v key="$1" '$1 == key && (!seen++ || $2 < least) { least = $2 } END { print least + 0 }' "$WORK/switches")
	[ "$least" -ge $CROWD ] || fail "$1: only $least stacks"
	echo "# $1: at least $least"
}

switch_among_thousands() { # MODE WHERE-THEY-ARE-LOOKED-AT
	# A fork waits for as long as its slice is among so many that want to run, and the storm pauses for as long as forks take.
	STORM_AS="nice -n -20"
	gather_a_crowd
	expect_one_instant "$1" $(((ORACLE_ROUNDS + 24) / 25))
	expect_looked_at "$2"
}

case_consistency_switches_at_one_instant_among_thousands_that_run() {
	(switch_among_thousands system checked_outside) && (switch_among_thousands stop_machine checked_inside)
}
