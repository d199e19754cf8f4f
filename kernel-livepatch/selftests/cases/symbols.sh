# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Looking up all symbols of a livepatch at once gives what looking up each gives.

VMLINUX_SYMBOLS="vmlinux.meminfo_proc_show,1 vmlinux.m_start,1 vmlinux.m_start,2 vmlinux.loadavg_proc_show,1"
TARGET_SYMBOLS="klp_target.klp_target_alpha,1 klp_target.klp_target_twin,1 klp_target.klp_target_twin,2 klp_target.klp_target_beta,1"

kallsyms_of() { # "OBJECT.NAME,POSITION..." -- "ADDRESS NAME" for each that there is
	awk -v symbols="$1" '
		BEGIN { n = split(symbols, wanted, " ") }
		{
			object = NF == 3 ? "vmlinux" : substr($4, 2, length($4) - 2)
			symbol = object "." $3
			found[symbol "," ++count[symbol]] = $1 " " $3
		}
		END { for (i = 1; i <= n; i++) if (wanted[i] in found) print found[wanted[i]] }
	' /proc/kallsyms
}

addresses() {
	echo "$(</sys/module/klp_reloc/parameters/addresses)"
}

expect_addresses() {
	local expected

	expected=$(kallsyms_of "$VMLINUX_SYMBOLS $TARGET_SYMBOLS")
	expect "addresses known" 8 "$(wc -l <<<"$expected")"
	expect "addresses" "$expected" "$(addresses)"
	expect "what runs" klp_reloc "$(runs $TARGET/beta)"
}

case_relocations_against_vmlinux_and_a_loaded_module() {
	load klp_target
	load klp_reloc
	expect_addresses
}

case_relocations_against_a_module_that_comes_later_and_again() {
	local spacer last="" now

	load klp_reloc
	for spacer in klp_stopwatch klp_rival klp_low; do
		load klp_target
		expect_addresses
		now=$(addresses)
		[ "$now" != "$last" ] || fail "the module is where it was: nothing is tested"
		last=$now
		remove_module klp_target
		# What takes its place in memory makes it come elsewhere.
		load $spacer
	done
}

# The relocations of the lower livepatch are applied when the upper one keeps the module out.
case_relocations_against_a_module_that_fails_to_come() {
	load klp_reloc
	load klp_low funcs=klp_target:klp_target_alpha pre_patch_ret=-1
	refuse EPERM klp_target
	refuse EPERM klp_target
	unload klp_low
	load klp_target
	expect_addresses
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
	expect_log_count 1 "livepatch: unresolvable ambiguity for symbol 'm_start' in object"

	LC_ALL=C sed "s/\.m_start,2/.m_start,9/" "$MODULES/klp_reloc.ko" >"$WORK/broken.ko"
	expect "load" EINVAL "$("$MODULES/klp-load" "$WORK/broken.ko")"
	expect_log "livepatch: symbol position 9 for symbol 'm_start' in object 'vmlinux' not found"
}

# Its symbols have a value in the file. One is of a module, in a section for vmlinux.
case_what_the_file_says_of_its_symbols_is_not_believed() {
	load klp_target
	load klp_stale
	expect "addresses" "$(kallsyms_of "klp_target.klp_target_alpha,1 vmlinux.loadavg_proc_show,1" | cut -d ' ' -f 1 | xargs)" \
		"$(</sys/module/klp_stale/parameters/addresses)"
}
