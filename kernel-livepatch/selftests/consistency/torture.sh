# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The kernel's own torture of RCU goes on meanwhile, with readers in tasks, softirqs and interrupts, writers,
# bursts of threads that exit, and CPUs that come and go. Needs rcutorture.ko.

torture_rcu() { # MODE
	log_mark
	modprobe rcutorture nreaders=4 onoff_interval=50 shuffle_interval=1 stutter=2 read_exit_delay=1 \
		fwd_progress=0 test_boost=0 || fail "rcutorture cannot be loaded"
	expect_one_instant "$1" "$ORACLE_ROUNDS"
	rmmod rcutorture || fail "rcutorture cannot be unloaded"
	expect_log_count 1 "rcu-torture:--- End of test: SUCCESS"
}

case_zx_consistency_under_rcutorture() {
	torture_rcu system
	torture_rcu stop_machine
}
