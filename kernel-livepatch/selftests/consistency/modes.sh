# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Words for cases about the modes.

PARAMETERS=/sys/module/livepatch/parameters

# The rest of the case runs in this mode; the next case finds the default again.
use_mode() { # MODE
	trap 'echo per_task >"$SYSFS/consistency"; echo 30000 >"$PARAMETERS/consistency_timeout_ms"
		kill $(jobs -p) 2>/dev/null' EXIT
	echo "$1" >"$SYSFS/consistency" || fail "no mode $1"
}

give_up_soon() {
	echo 700 >"$PARAMETERS/consistency_timeout_ms"
}

stat_of() { # KEY [PATCH] -- the rest of its lines
	sed -n "s/^$1 //p" "$SYSFS/${2:+$2/}transition_stats"
}

result_is() { # RESULT
	[ "$(stat_of result)" = "$1" ]
}

for_both_modes() { # COMMAND...
	local mode

	for mode in system stop_machine; do
		echo "# $mode"
		use_mode $mode
		"$@"
	done
}
