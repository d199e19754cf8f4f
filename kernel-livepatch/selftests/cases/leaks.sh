# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Comes last. Needs kmemleak.

KMEMLEAK=/sys/kernel/debug/kmemleak

# What the kernel lost while it booted does not count (5.15: two entries for the PCI bus). The first scan reports nothing.
echo scan >$KMEMLEAK
echo scan >$KMEMLEAK
echo clear >$KMEMLEAK

case_zzz_nothing_has_leaked() {
	# What was freed a moment ago may still look lost in the first scan.
	echo scan >$KMEMLEAK
	sleep 5
	echo scan >$KMEMLEAK
	cat $KMEMLEAK
	[ "$(grep -c 'unreferenced object' $KMEMLEAK)" = 0 ] || fail "memory has leaked"
}
