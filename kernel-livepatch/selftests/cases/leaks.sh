# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Comes last. Needs kmemleak; what leaked before run.sh began does not count.

KMEMLEAK=/sys/kernel/debug/kmemleak

case_zzz_nothing_has_leaked() {
	# What was freed a moment ago may still look lost in the first scan.
	echo scan >$KMEMLEAK
	sleep 5
	echo scan >$KMEMLEAK
	cat $KMEMLEAK
	[ "$(grep -c 'unreferenced object' $KMEMLEAK)" = 0 ] || fail "memory has leaked"
}
