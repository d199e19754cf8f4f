# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the cases are written in. Sourced by run.sh, which sets MODULES.
#
# A case runs in its own subshell; the first thing that is not as expected ends it. Livepatches
# are klp_p00.ko under other names of seven letters.
#
# Under software emulation a dynamically linked program takes a tenth of a second to start, a
# subshell a hundredth, `$(<FILE)` a thousandth. So this uses what bash has itself, and the few
# static programs in MODULES.

SYSFS=/sys/kernel/livepatch
DEBUGFS=/sys/kernel/debug/livepatch
TARGET=/proc/klp_target
HURRY=/sys/module/klp_hurry/parameters/now
# Under software emulation and KASAN a transition may take its time.
WAIT_SECONDS=${WAIT_SECONDS:-300}
# Nobody ever writes to it: reading it with a timeout is a sleep without a program.
exec {NEVER}<> <(:)

fail() {
	echo "# $*"
	exit 1
}

expect() { # WHAT EXPECTED ACTUAL
	[ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}

doze() { # SECONDS
	read -rt "$1" -u "$NEVER" || :
}

wait_until() { # COMMAND...
	local end=$((SECONDS + WAIT_SECONDS))

	until "$@"; do
		[ $SECONDS -lt $end ] || fail "never came true: $*"
		[ ! -e $HURRY ] || echo 1 >$HURRY
		doze 0.01
	done
}

# Over and over in the background, until stop_repeating: then what was begun is done, too. To kill who repeats would leave
# behind what it runs at that moment.
repeat() { # COMMAND...
	until [ -e "$WORK/enough" ]; do "$@"; done >/dev/null 2>&1 &
}

stop_repeating() {
	: >"$WORK/enough"
	wait
	rm "$WORK/enough"
}

# --- kernel log ---------------------------------------------------------------------------------

log_open() {
	exec {KMSG}</dev/kmsg
	"$MODULES/klp-log" --skip <&"$KMSG" || exit 2
}

log_mark() {
	"$MODULES/klp-log" --skip <&"$KMSG" || exit 2
	: >"$WORK/log"
}

read_log() { # -- sets LOG to what came since the mark, with a newline at both ends
	"$MODULES/klp-log" <&"$KMSG" >>"$WORK/log" || fail "kernel log messages are lost"
	LOG=$'\n'$(<"$WORK/log")$'\n'
}

expect_log() { # LINE
	read_log
	[[ $LOG == *$'\n'"$1"$'\n'* ]] || fail "not in the kernel log: $1"
}

expect_log_count() { # COUNT PART-OF-A-LINE
	local line count=0

	read_log
	while IFS= read -r line; do
		[[ $line != *"$2"* ]] || count=$((count + 1))
	done <<<"$LOG"
	expect "log lines with '$2'" "$1" "$count"
}

conflict_line() { # NEW FUNCTION OBJECT OWNER [NAME-THE-OWNER-USES]
	echo "livepatch: conflict: '$1' changes function '$2' of object '$3', owned by '$4' as '${5:-$2}'"
}

# --- loading and unloading ----------------------------------------------------------------------

try_load() { # [-t] NAME [PARAMETER]... -- prints what klp-load does
	local options=() name

	[ "$1" != -t ] || { options=(-t); shift; }
	name=$1
	shift
	# Whatever becomes of it, it uses up the grant.
	[ ! -s "$WORK/$name.granted" ] || : >"$WORK/$name.granted"
	if [ -e "$MODULES/$name.ko" ]; then
		"$MODULES/klp-load" "${options[@]}" "$MODULES/$name.ko" "$@"
	else
		"$MODULES/klp-load" "${options[@]}" -a "$name" "$MODULES/klp_p00.ko" "$@"
	fi
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
	local transition=0

	{ read -r transition <"$SYSFS/$1/transition"; } 2>/dev/null
	[ "$transition" != 1 ]
}

gone() { # NAME
	[ ! -e "$SYSFS/$1" ]
}

unused() { # MODULE
	local users=0

	{ read -r users <"/sys/module/$1/refcnt"; } 2>/dev/null
	[ "$users" = 0 ]
}

start_disable() { # NAME
	echo 0 >"$SYSFS/$1/enabled" || fail "cannot disable $1"
}

remove_module() { # NAME
	wait_until unused "$1"
	expect "unload of $1" unloaded "$("$MODULES/klp-unload" "$1")"
}

unload() { # NAME
	if [ -e "$SYSFS/$1" ]; then
		wait_until settled "$1"
		start_disable "$1"
		wait_until gone "$1"
	fi
	remove_module "$1"
}

# --- grants, conflicts, order -------------------------------------------------------------------

grant() { # NEW VICTIM[,VICTIM]...
	echo "$1 $2" >"$SYSFS/override" || fail "grant refused: $1 $2"
	waits "$1"
}

waits() { # NEW -- remember that a grant for it may still be there when the case ends
	echo 1 >"$WORK/$1.granted"
}

conflicts() { # [PATCH] -- all of them, or the share of one
	local file=conflicts line

	[ $# = 0 ] || file=shares
	while IFS= read -r line; do
		[[ $# = 1 && $line != "$1 "* ]] || echo "${line#"${1:+$1 }"}"
	done <$DEBUGFS/$file
}

latest_load() { # -- what the load that was looked at last has found
	echo "$(<$DEBUGFS/latest_load)"
}

stack() { # -- names from bottom to top
	local dir order names=()

	for dir in "$SYSFS"/*/; do
		{ read -r order <"$dir/stack_order"; } 2>/dev/null || continue
		dir=${dir%/}
		names[order]=${dir##*/}
	done
	echo "${names[*]}"
}

orders() { # PATCH... -- their positions
	local name order all=()

	for name; do
		read -r order <"$SYSFS/$name/stack_order" || fail "no stack_order: $name"
		all+=("$order")
	done
	echo "${all[*]}"
}

runs() { # FILE... -- what the functions that show these files print now, on one line
	local file line all=()

	for file; do
		line=$(<"$file") || fail "cannot read $file"
		all+=("$line")
	done
	echo "${all[*]}"
}

# --- a task that sleeps in klp_target_block ------------------------------------------------------

block() {
	echo 1 >/sys/module/klp_target/parameters/block
	(read -r _ <"$TARGET/block") &
	BLOCKED=$!
	wait_until sleeps_in klp_target_block "$BLOCKED"
}

sleeps_in() { # FUNCTION PID
	[[ $(<"/proc/$2/stack") == *"$1"* ]]
}

unblock() {
	echo 0 >/sys/module/klp_target/parameters/block
	wait "$BLOCKED"
}

# --- a task that sleeps in the replacement of a function ------------------------------------------

hold_reader() { # PATCH FILE-THAT-THE-PATCHED-FUNCTION-SHOWS
	echo 1 >"/sys/module/$1/parameters/hold"
	(read -r _ <"$2") &
	HELD=$!
	wait_until sleeps_in klp_test_show "$HELD"
}

release_reader() { # PATCH
	echo 0 >"/sys/module/$1/parameters/hold"
	wait "$HELD"
}

# --- allocations that fail ------------------------------------------------------------------------

let_allocations_fail() {
	local kind

	for kind in failslab fail_page_alloc; do
		echo 0 >/sys/kernel/debug/$kind/verbose
		echo N >/sys/kernel/debug/$kind/ignore-gfp-wait
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
	echo N >/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem
}

try_allocations() { # KLP-FAULTS-ARGUMENT...
	local outcome

	let_allocations_fail
	outcome=$("$MODULES/klp-faults" "$@") || fail "$outcome"
	echo "# $outcome"
}

fail_allocations() { # FUNCTION KLP-FAULTS-ARGUMENT...
	load klp_fault func="$1"
	shift
	try_allocations "$@"
	remove_module klp_fault
}

fail_allocations_of_a_first_load() {
	load klp_target
	fail_allocations klp_enable_patch -a klp_low -s $TARGET/alpha -s $TARGET/beta \
		load "$MODULES/klp_p00.ko" funcs=klp_target:klp_target_alpha,klp_target:klp_target_beta
	expect "what runs" "klp_low klp_low" "$(runs $TARGET/alpha $TARGET/beta)"
}

# --- between cases ------------------------------------------------------------------------------

# Loops that a case has started must not go on when it fails half way.
stop_jobs_at_exit() {
	# shellcheck disable=SC2046
	trap 'kill $(jobs -p) 2>/dev/null' EXIT
}

unload_all() {
	local name path names pass

	[ ! -e /sys/module/klp_target ] || echo 0 >/sys/module/klp_target/parameters/block
	read -ra names <<<"$(stack)"
	while [ ${#names[@]} -gt 0 ]; do
		name=${names[-1]}
		unset 'names[-1]'
		[ ! -e "/sys/module/$name/parameters/hold" ] ||
			echo 0 >"/sys/module/$name/parameters/hold"
		unload "$name"
	done
	# First those that no other needs: a case that failed half way leaves both.
	for pass in 1 2; do
		for path in /sys/module/klp_*; do
			name=${path##*/}
			[[ -e $path && " $PINNED " != *" $name "* ]] || continue
			if [ $pass = 2 ] || ! held_by_others "$name"; then remove_module "$name"; fi
		done
	done
}

held_by_others() { # MODULE
	local holders=("/sys/module/$1/holders"/*)

	[ -e "${holders[0]}" ]
}

# A grant that no load has used up yet would help a later case.
use_up_grants() {
	local file name

	for file in "$WORK"/*.granted; do
		[ -s "$file" ] || continue
		name=${file##*/}
		name=${name%.granted}
		[ -e "/sys/module/$name" ] || try_load "$name" init_ret=-5 >/dev/null
	done
}

# What the kernel says when one of its own checks has found something.
SPLAT='BUG:|WARNING:|INFO: |KASAN|Oops|general protection|kmemleak: [1-9]'

expect_no_splat() {
	local line splats=0

	read_log
	[[ $LOG =~ $SPLAT ]] || return 0
	while IFS= read -r line; do
		[[ ! $line =~ $SPLAT ]] || { echo "# $line"; splats=$((splats + 1)); }
	done <<<"$LOG"
	fail "the kernel complained $splats times"
}

reset() {
	unload_all
	use_up_grants
	expect_no_splat
}
