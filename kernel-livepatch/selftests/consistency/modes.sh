# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Words for cases about the modes.

PARAMETERS=/sys/module/livepatch/parameters

# The rest of the case runs in this mode; the next case finds the default again.
use_mode() { # MODE
	trap 'echo per_task >"$SYSFS/consistency"; set_limits 40 30000; kill $(jobs -p) 2>/dev/null' EXIT
	echo "$1" >"$SYSFS/consistency" || fail "no mode $1"
}

set_limits() { # ATTEMPTS MILLISECONDS
	echo "$1" >"$PARAMETERS/consistency_attempts"
	echo "$2" >"$PARAMETERS/consistency_timeout_ms"
}

give_up_soon() {
	set_limits 40 700
}

stat_of() { # KEY [PATCH] -- the rest of its lines, of the latest transition or that of PATCH
	awk -v key="$1" -v patch="${2-}" '
		$1 == "patch" { block++; found = patch == "" ? block == 1 : $2 == patch && !seen++ }
		found && $1 == key { sub(/^[^ ]* /, ""); print }
	' $DEBUGFS/transitions
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
