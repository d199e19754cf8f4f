# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the cases are written in. Sourced by run.sh, which sets MODULES.
#
# A case runs in its own subshell; the first thing that is not as expected ends it. Livepatches
# are copies of klp_p00.ko under other names of seven letters, loaded from a tmpfs.

SYSFS=/sys/kernel/livepatch
TARGET=/proc/klp_target
# Under software emulation and KASAN a transition may take its time.
WAIT_SECONDS=300

fail() {
	echo "# $*"
	exit 1
}

expect() { # WHAT EXPECTED ACTUAL
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

wait_until() { # COMMAND...
	local end=$((SECONDS + WAIT_SECONDS))

	until "$@"; do
		[ $SECONDS -lt $end ] || fail "never came true: $*"
		sleep 0.05
	done
}

# --- kernel log ---------------------------------------------------------------------------------

log_mark() {
	MARK="klp_test mark $RANDOM$RANDOM"
	echo "$MARK" >/dev/kmsg
}

log_since_mark() {
	dmesg | sed "1,/$MARK/d" | sed 's/^\[[^]]*\] //'
}

expect_log() { # LINE
	log_since_mark | grep -qxF -- "$1" || fail "not in the kernel log: $1"
}

expect_log_count() { # COUNT PATTERN
	expect "log lines like '$2'" "$1" "$(log_since_mark | grep -c -- "$2")"
}

conflict_line() { # NEW FUNCTION OBJECT OWNER [NAME-THE-OWNER-USES]
	echo "livepatch: conflict: '$1' changes function '$2' of object '$3', owned by '$4' as '${5:-$2}'"
}

# --- loading and unloading ----------------------------------------------------------------------

module_file() { # NAME
	local file="$WORK/$1.ko"

	case "$1" in
	klp_target | klp_reloc | klp_rival | klp_stopwatch) file="$MODULES/$1.ko" ;;
	*) [ -e "$file" ] || LC_ALL=C sed "s/klp_p00/$1/g" "$MODULES/klp_p00.ko" >"$file" ;;
	esac
	echo "$file"
}

try_load() { # NAME [PARAMETER]... -- prints "loaded" or the error
	local file

	file=$(module_file "$1")
	shift
	"$MODULES/klp-load" "$file" "$@"
}

start_load() { # NAME [PARAMETER]... -- must succeed, its transition may go on
	expect "load of $1" loaded "$(try_load "$@")"
}

load() { # NAME [PARAMETER]... -- must succeed and finish
	start_load "$@"
	[ ! -e "$SYSFS/$1" ] || wait_until settled "$1"
}

refuse() { # ERROR NAME [PARAMETER]... -- must fail and leave nothing behind
	local error=$1

	shift
	expect "load of $1" "$error" "$(try_load "$@")"
	[ ! -e "$SYSFS/$1" ] || fail "$1 was refused but is in sysfs"
	[ ! -e "/sys/module/$1" ] || fail "$1 was refused but is in memory"
}

settled() { # NAME
	[ "$(cat "$SYSFS/$1/transition" 2>/dev/null)" != 1 ]
}

gone() { # NAME
	[ ! -e "$SYSFS/$1" ]
}

unused() { # MODULE
	[ "$(cat "/sys/module/$1/refcnt" 2>/dev/null || echo 0)" = 0 ]
}

start_disable() { # NAME
	echo 0 >"$SYSFS/$1/enabled" || fail "cannot disable $1"
}

unload() { # NAME
	if [ -e "$SYSFS/$1" ]; then
		wait_until settled "$1"
		start_disable "$1"
		wait_until gone "$1"
	fi
	wait_until unused "$1"
	rmmod "$1" || fail "cannot unload $1"
}

# --- grants, conflicts, order -------------------------------------------------------------------

grant() { # NEW VICTIM[,VICTIM]...
	echo "$1 $2" >"$SYSFS/override" || fail "grant refused: $1 $2"
	echo "$1" >>"$WORK/granted"
}

conflicts() { # [PATCH]
	cat "$SYSFS/${1:+$1/}conflicts"
}

stack() { # -- names from bottom to top
	local dir

	for dir in "$SYSFS"/*/; do
		[ ! -e "$dir/stack_order" ] || echo "$(cat "$dir/stack_order" 2>/dev/null) $(basename "$dir")"
	done | sort -n | cut -d ' ' -f 2 | xargs
}

# --- a task that sleeps in klp_target_block ------------------------------------------------------

block() {
	echo 1 >/sys/module/klp_target/parameters/block
	cat "$TARGET/block" >"$WORK/blocked" &
	BLOCKED=$!
	wait_until blocked
}

blocked() {
	grep -q klp_target_block "/proc/$BLOCKED/stack"
}

unblock() {
	echo 0 >/sys/module/klp_target/parameters/block
	wait "$BLOCKED"
}

# --- a task that sleeps in the replacement of a function ------------------------------------------

hold_reader() { # PATCH FILE-THAT-THE-PATCHED-FUNCTION-SHOWS
	echo 1 >"/sys/module/$1/parameters/hold"
	cat "$2" >/dev/null &
	HELD=$!
	wait_until held
}

held() {
	grep -q klp_test_show "/proc/$HELD/stack"
}

release_reader() { # PATCH
	echo 0 >"/sys/module/$1/parameters/hold"
	wait "$HELD"
}

# --- between cases ------------------------------------------------------------------------------

# Loops that a case has started must not go on when it fails half way.
stop_jobs_at_exit() {
	# shellcheck disable=SC2046
	trap 'kill $(jobs -p) 2>/dev/null' EXIT
}

unload_all() {
	local name

	[ ! -e /sys/module/klp_target ] || echo 0 >/sys/module/klp_target/parameters/block
	for name in $(stack | tr ' ' '\n' | tac); do
		[ ! -e "/sys/module/$name/parameters/hold" ] ||
			echo 0 >"/sys/module/$name/parameters/hold"
		unload "$name"
	done
	for name in $(lsmod | grep -o '^klp_[a-z0-9]*'); do
		case " $PINNED " in
		*" $name "*) ;;
		*) wait_until unused "$name"; rmmod "$name" || fail "cannot unload $name" ;;
		esac
	done
}

# A grant that no load has used up yet would help a later case.
use_up_grants() {
	local name

	[ -e "$WORK/granted" ] || return 0
	for name in $(sort -u "$WORK/granted"); do
		[ -e "/sys/module/$name" ] || try_load "$name" init_ret=-5 >/dev/null
	done
	rm "$WORK/granted"
}

expect_no_splat() {
	! log_since_mark | grep -E 'BUG:|WARNING:|INFO: |KASAN|Oops|general protection|kmemleak: [1-9]' |
		sed 's/^/# /' | grep . || fail "the kernel complained"
}

reset() {
	unload_all
	use_up_grants
	expect_no_splat
}
