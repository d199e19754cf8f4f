# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Permission to shadow: who gets it, for what, how often.

case_a_grant_lets_the_patch_in_and_stays_visible() {
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	grant klp_top klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show

	expect "what runs" "klp_top klp_low klp_top" \
		"$(runs /proc/cmdline /proc/version /proc/loadavg)"
	expect_log "livepatch: override: 'klp_top' shadows function 'cmdline_proc_show,1' of object 'vmlinux', owned by 'klp_low' as 'cmdline_proc_show,1'"
	expect "conflicts" "vmlinux cmdline_proc_show,1 klp_top klp_low" "$(conflicts)"
	expect "share of klp_top" "override klp_low
shadows vmlinux cmdline_proc_show,1 klp_low" "$(conflicts klp_top)"
	expect "share of klp_low" "lost vmlinux cmdline_proc_show,1 klp_top" "$(conflicts klp_low)"
}

case_a_grant_for_another_patch_does_not_help() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_mid klp_low
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show

	# It still waits for the one that it names.
	load klp_mid funcs=vmlinux:cmdline_proc_show
	expect "what runs" klp_mid "$(runs /proc/cmdline)"
}

case_a_grant_that_misses_a_victim_is_refused_as_a_whole() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	load klp_mid funcs=vmlinux:version_proc_show
	grant klp_top klp_low
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	expect_log "$(conflict_line klp_top version_proc_show,1 vmlinux klp_mid)"
	expect_log_count 1 "livepatch: conflict:"
	expect_log_count 0 "livepatch: override:"
	expect "what runs" "klp_low klp_mid" "$(runs /proc/cmdline /proc/version)"

	# It is used up even so.
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show

	grant klp_top klp_low,klp_mid
	load klp_top funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	expect "what runs" "klp_top klp_top" "$(runs /proc/cmdline /proc/version)"
}

case_a_grant_works_once() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show
	unload klp_top
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_a_load_without_conflicts_uses_up_the_grant() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	load klp_top funcs=vmlinux:version_proc_show
	expect "share of klp_top" "override klp_low" "$(conflicts klp_top)"
	unload klp_top
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_a_load_that_fails_later_uses_up_the_grant() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	refuse EPERM klp_top funcs=vmlinux:cmdline_proc_show pre_patch_ret=-1
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_a_load_that_fails_before_livepatching_uses_up_the_grant() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	refuse EIO klp_top funcs=vmlinux:cmdline_proc_show init_ret=-5
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_a_later_grant_takes_the_place_of_an_earlier_one() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_low
	grant klp_top klp_mid
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_names_of_patches_that_are_not_loaded_do_no_harm() {
	load klp_low funcs=vmlinux:cmdline_proc_show
	grant klp_top klp_mid,klp_low,klp_new
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "share of klp_top" "override klp_mid klp_low klp_new
shadows vmlinux cmdline_proc_show,1 klp_low" "$(conflicts klp_top)"
}

case_a_grant_is_about_one_direction() {
	grant klp_top klp_low
	load klp_top funcs=vmlinux:cmdline_proc_show
	refuse ENOTUNIQ klp_low funcs=vmlinux:cmdline_proc_show
}

build_id_of() { # MODULE
	od -An -v -tx1 -j 16 "/sys/module/$1/notes/.note.gnu.build-id" | tr -d ' \n'
}

case_a_grant_can_name_the_identity_of_its_victim() {
	local id

	load klp_low funcs=vmlinux:cmdline_proc_show
	id=$(build_id_of klp_low)
	[ ${#id} = 40 ] || fail "no build ID: '$id'"
	# Another module has come under the victim's name.
	grant klp_top "klp_low@${id/[0-9]/f}"
	[ "$id" != "${id/[0-9]/f}" ] || fail "the same ID"
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show

	grant klp_top "klp_mid@$id,klp_low@$id"
	load klp_top funcs=vmlinux:cmdline_proc_show
	expect "share of klp_top" "override klp_mid@$id klp_low@$id
shadows vmlinux cmdline_proc_show,1 klp_low" "$(conflicts klp_top)"
}

# Stock user space expects that a livepatch may replace others without a word.
case_replace_needs_a_grant_where_that_is_asked_for() {
	local asked=/sys/module/livepatch/parameters/replace_needs_grant

	expect "by default" N "$(<$asked)"
	trap "echo 0 >$asked" EXIT
	echo 1 >$asked
	load klp_low funcs=vmlinux:cmdline_proc_show,vmlinux:version_proc_show
	load klp_mid funcs=vmlinux:loadavg_proc_show
	refuse ENOTUNIQ klp_new replace=1 funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show
	expect_log "klp: 'klp_new' needs a grant to drop functions, such as 'version_proc_show,1' of object 'vmlinux'"
	expect "stack" "klp_low klp_mid" "$(stack)"
	grant klp_new klp_mid
	refuse ENOTUNIQ klp_new replace=1 funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show

	# It names whose functions are dropped, not whose are taken over.
	grant klp_new klp_low
	load klp_new replace=1 funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show
	expect "what runs" "klp_new klp_new" "$(runs /proc/cmdline /proc/loadavg)"
	load klp_top replace=1 funcs=vmlinux:cmdline_proc_show,vmlinux:loadavg_proc_show
	expect "what runs" "klp_top klp_top" "$(runs /proc/cmdline /proc/loadavg)"
}

# When one of them goes it restores what the other relies on.
case_the_same_system_state_in_two_patches_is_a_conflict() {
	load klp_low states=7,8 funcs=vmlinux:cmdline_proc_show
	refuse ENOTUNIQ klp_top states=9,8 funcs=vmlinux:version_proc_show
	expect_log "livepatch: conflict: 'klp_top' changes function '8,1' of object '(state)', owned by 'klp_low' as '8,1'"
	load klp_mid states=9 funcs=vmlinux:version_proc_show
	grant klp_top klp_low
	load klp_top states=8 funcs=vmlinux:loadavg_proc_show
	expect "conflicts" "(state) 8,1 klp_top klp_low" "$(conflicts)"
	expect "share of klp_low" "lost (state) 8,1 klp_top" "$(conflicts klp_low)"

	# Versions are what decides about one that replaces all others, as always.
	refuse EINVAL klp_new replace=1 states=8 funcs=vmlinux:cmdline_proc_show
	load klp_new replace=1 states=7,8,9 funcs=vmlinux:cmdline_proc_show
	expect "stack" klp_new "$(stack)"
}

try_grant() { # TEXT -- prints "taken" or the error; printf expands TEXT
	# shellcheck disable=SC2059
	printf "$1" | "$MODULES/klp-grant" "$SYSFS/override"
}

case_malformed_grants_are_refused() {
	local text long name

	long=$(printf 'x%.0s' {1..60})
	for text in 'klp_top' 'klp_top ' 'klp_top \n' ' klp_top klp_low' 'klp_top  klp_low' \
		'klp_top klp_low ' 'klp_top klp_low,' 'klp_top ,klp_low' 'klp_top klp_low,,klp_mid' \
		'klp_top klp_low klp_mid' 'klp_top klp_low\nklp_mid' 'klp_top klp_low\n\n' '\n' ' ' ',' \
		'klp_top\tklp_low' 'klp_top klp_top' 'klp_top klp_low,klp_low' 'klp_top klp_low\0' \
		'klp_top klp_low\r\n' 'klp,top klp_low' 'klp_top klp\177low' 'klp_top klp\344low' \
		"$long klp_low" "klp_top $long" 'klp_top@1 klp_low' 'klp_top klp_low,klp_low@1' \
		'klp_top @1'; do
		expect "grant '$text'" EINVAL "$(try_grant "$text")"
	done

	# Cut off at a page, the last name would be another one.
	name=klp_low
	long="klp_top $(for n in {100..700}; do printf '%s,' "$name$n"; done)$name"
	expect "grant of more than a page" E2BIG "$(try_grant "$long")"

	load klp_low funcs=vmlinux:cmdline_proc_show
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_random_grants_are_taken_only_when_well_formed() {
	local seed=$RANDOM n

	load klp_low funcs=vmlinux:cmdline_proc_show
	echo "# seed $seed"
	"$MODULES/klp-grant" "$SYSFS/override" $seed 20000 || fail "the kernel reads grants otherwise"
	for n in {0..7}; do
		waits "klp_w0$n"
	done
	refuse ENOTUNIQ klp_top funcs=vmlinux:cmdline_proc_show
}

case_grants_that_wait_are_limited() {
	local n taken=0

	for n in {10..39}; do
		[ "$(try_grant "klp_w$n klp_low")" != taken ] || taken=$((taken + 1))
	done
	expect "grants taken" 16 "$taken"
	expect "one more" ENOSPC "$(try_grant 'klp_new klp_low')"
	expect "one that takes the place of another" taken "$(try_grant 'klp_w10 klp_mid')"

	# A load has claimed this one, and failed: it makes room.
	refuse EIO klp_w20 init_ret=-5
	expect "one more" taken "$(try_grant 'klp_new klp_low')"
	for n in {10..25}; do
		waits "klp_w$n"
	done
	waits klp_new
}

case_only_root_may_grant() {
	expect "mode of override" "200 0" "$(stat -c '%a %u' "$SYSFS/override")"
	! setpriv --reuid 65534 --clear-groups sh -c "echo klp_top klp_low >$SYSFS/override" 2>/dev/null ||
		fail "a user could grant"
	! setpriv --bounding-set -sys_module --inh-caps -sys_module \
		sh -c "echo klp_top klp_low >$SYSFS/override" 2>/dev/null ||
		fail "root without CAP_SYS_MODULE could grant"
}
