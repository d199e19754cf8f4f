#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# GNU strip, ld 2.40 and gcc 12.2 (Debian 12), eu-strip of elfutils 0.188, Node.js 20.20 to write the marks.
#
# A livepatch module has relocations that the kernel applies later: sections marked SHF_RELA_LIVEPATCH (0x100000) against
# symbols with the section number SHN_LIVEPATCH (0xff20). GNU strip keeps them where the patched section has ordinary
# relocations too, as functions with a call to __fentry__ always have. Where all of a section's relocations are of that
# kind (data, a function that is not traced), it exits with 0, removes the mark and points them at symbol 0: such a
# module loads, as an ordinary one, and uses address 0 plus the addend. eu-strip keeps both. ld -r keeps names and
# exits with 0, and makes the symbols absolute ones of value 0. So whether `strip --strip-debug`, which packagers run on
# every module, is harmless depends on what the patch happens to change.
#
# Seen (mark and symbol of both kinds of section):
#   before: both marked later_function, only marked later_data
#   strip: both marked later_function, only unmarked -
#   eu-strip: both marked later_function, only marked later_data
#   ld -r: later_function ABS, later_data ABS
set -euo pipefail
strip --version | grep -qF ' 2.40' && gcc --version | grep -qF ' 12.2' || { echo 'other versions of gcc or binutils'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download elfutils=0.188-2.1 libelf1=0.188-2.1 libdw1=0.188-2.1 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" packages; done
eu_strip() { LD_LIBRARY_PATH=packages/usr/lib/x86_64-linux-gnu packages/usr/bin/eu-strip "$@"; }

# What is named .klp.rela.vmlinux.NAME holds one relocation of section NAME; mark.js makes it one for the kernel.
cat >module.s <<'AS'
	.section .text.both, "ax"
	call ordinary
	.byte 0xe8
	.long 0
	.globl later_function, later_data
	.section .data.only, "aw"
	.quad 0
	.section .klp.rela.vmlinux..text.both, "a"
	.quad 6, 4, -4
	.section .klp.rela.vmlinux..data.only, "a"
	.quad 0, 1, 0
AS
cat >mark.js <<'JS'
const { readFileSync, writeFileSync } = require('node:fs');
const file = readFileSync('module.o');
const u16 = (at) => file.readUInt16LE(at), u32 = (at) => file.readUInt32LE(at), u64 = (at) => Number(file.readBigUInt64LE(at));
const headers = Array.from({ length: u16(0x3c) }, (_, i) => u64(0x28) + 64 * i);
const string = (table, at) => file.subarray(u64(table + 24) + at).toString('latin1').split('\0', 1)[0];
const nameOf = (header) => string(headers[u16(0x3e)], u32(header));
const symtab = headers.find((header) => u32(header + 4) === 2);
const symbols = new Map();
for (let i = 0; i < u64(symtab + 32) / 24; i += 1) {
  const at = u64(symtab + 24) + 24 * i;
  symbols.set(string(headers[u32(symtab + 40)], u32(at)), { i, at });
}
const later = { '.text.both': 'later_function', '.data.only': 'later_data' };
for (const header of headers.filter((each) => nameOf(each).startsWith('.klp.rela.'))) {
  const target = nameOf(header).slice('.klp.rela.vmlinux.'.length);
  const symbol = symbols.get(later[target]);
  file.writeUInt32LE(4, header + 4);
  file.writeBigUInt64LE(0x100042n, header + 8);
  file.writeUInt32LE(headers.indexOf(symtab), header + 40);
  file.writeUInt32LE(headers.findIndex((each) => nameOf(each) === target), header + 44);
  file.writeBigUInt64LE(8n, header + 48);
  file.writeBigUInt64LE(24n, header + 56);
  file.writeUInt32LE(symbol.i, u64(header + 24) + 12);
  file.writeUInt16LE(0xff20, symbol.at + 6);
}
writeFileSync('module.o', file);
JS
as -o module.o module.s
node mark.js
relocations_of() {
  local kind flags symbol
  for kind in text.both data.only; do
    flags=$(readelf -SW "$1" | awk -v name=".klp.rela.vmlinux..$kind" '{ sub(/^ *\[ *[0-9]+\] */, "") } $1 == name { print $7 }')
    symbol=$(readelf -rW "$1" | awk -v name=".klp.rela.vmlinux..$kind" '/^Relocation/ { here = index($0, "\047" name "\047") } here && /^0/ { print $5; exit }')
    case $flags in *o*) flags=marked ;; *) flags=unmarked ;; esac
    case $symbol in later_*) ;; *) symbol=- ;; esac
    printf '%s %s %s' "${kind#*.}" "$flags" "$symbol"
    test "$kind" = data.only || printf ', '
  done
}
strip --strip-debug -o gnu.o module.o
eu_strip --strip-debug -o elfutils.o module.o
ld -r -o linked.o module.o
section_of() { readelf -sW linked.o | awk -v name="$1" '$8 == name { print $7 }'; }
seen="before: $(relocations_of module.o)
strip: $(relocations_of gnu.o)
eu-strip: $(relocations_of elfutils.o)
ld -r: later_function $(section_of later_function), later_data $(section_of later_data)"
echo "$seen"
test "$seen" = 'before: both marked later_function, only marked later_data
strip: both marked later_function, only unmarked -
eu-strip: both marked later_function, only marked later_data
ld -r: later_function ABS, later_data ABS'
