# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Looking up all symbols of a livepatch at once gives what looking up each gives.

kallsyms_of() { # OBJECT NAME POSITION -- "ADDRESS NAME"
	awk -v object="$1" -v name="$2" -v pos="$3" \
		'$3 == name && ($4 == "[" object "]" || (object == "vmlinux" && NF == 3)) \
			{ if (++n == pos) print $1, $3 }' /proc/kallsyms
}

expected_vmlinux_addresses() {
	kallsyms_of vmlinux meminfo_proc_show 1
	kallsyms_of vmlinux m_start 1
	kallsyms_of vmlinux m_start 2
	kallsyms_of vmlinux loadavg_proc_show 1
}

expected_target_addresses() {
	kallsyms_of klp_target klp_target_alpha 1
	kallsyms_of klp_target klp_target_twin 1
	kallsyms_of klp_target klp_target_twin 2
}

addresses() {
	cat /sys/module/klp_reloc/parameters/addresses
}

case_relocations_against_vmlinux_and_a_loaded_module() {
	expect "addresses known" 4 "$(expected_vmlinux_addresses | wc -l)"
	load klp_target
	load klp_reloc
	expect "addresses" "$(expected_vmlinux_addresses; expected_target_addresses)" "$(addresses)"
	expect "what runs" klp_reloc "$(cat $TARGET/beta)"
}

# x86 refuses to apply relocations twice before Linux 6.3, so the livepatch goes with the module.
case_relocations_against_a_module_that_comes_later() {
	local round

	for round in 1 2; do
		load klp_reloc
		expect "addresses in vmlinux" "$(expected_vmlinux_addresses)" \
			"$(addresses | head -n 4)"
		load klp_target
		expect "addresses in round $round" "$(expected_target_addresses)" \
			"$(addresses | tail -n 3)"
		unload klp_reloc
		rmmod klp_target
		# The next time they are elsewhere in memory.
		[ $round = 2 ] || load klp_stopwatch
	done
}

# A copy of klp_reloc.ko that refers to a symbol that does not exist
load_with_broken_symbol() { # SYMBOL BROKEN-SYMBOL-OF-THE-SAME-LENGTH
	LC_ALL=C sed "s/\.$1,/.$2,/" "$MODULES/klp_reloc.ko" >"$WORK/broken.ko"
	"$MODULES/klp-load" "$WORK/broken.ko"
}

case_a_relocation_without_its_symbol_is_reported() {
	expect "load" EINVAL "$(load_with_broken_symbol meminfo_proc_show meminfo_proc_shou)"
	expect_log "livepatch: symbol 'meminfo_proc_shou' not found in symbol table"

	load klp_target
	expect "load" EINVAL "$(load_with_broken_symbol klp_target_alpha klp_target_alphu)"
	expect_log "livepatch: symbol 'klp_target_alphu' not found in symbol table"
	expect "stack" "" "$(stack)"
	load klp_reloc
}

case_an_ambiguous_relocation_is_reported() {
	LC_ALL=C sed "s/\.m_start,2/.m_start,0/" "$MODULES/klp_reloc.ko" >"$WORK/broken.ko"
	expect "load" EINVAL "$("$MODULES/klp-load" "$WORK/broken.ko")"
	log_since_mark | grep -q "livepatch: unresolvable ambiguity for symbol 'm_start' in object" ||
		fail "the ambiguity is not reported"

	LC_ALL=C sed "s/\.m_start,2/.m_start,9/" "$MODULES/klp_reloc.ko" >"$WORK/broken.ko"
	expect "load" EINVAL "$("$MODULES/klp-load" "$WORK/broken.ko")"
	expect_log "livepatch: symbol position 9 for symbol 'm_start' in object 'vmlinux' not found"
}
