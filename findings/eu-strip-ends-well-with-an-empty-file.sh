#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# elfutils 0.188 and binutils 2.40 (Debian 12, x86-64).
#
# Objects with more than 65,279 sections are what -ffunction-sections makes of large files, and ld -r of many. eu-strip
# knows their longer numbers, but not in an object that keeps relocations while debugging data is taken out, as every
# real one does: it says "illformed file", leaves an empty file as its output (-o), no debug file at all, and
# exits with 0. eu-elflint of the same package finds no error in the object; GNU strip takes it. A build that trusts the
# exit status goes on with the empty file.
#
# Seen:
#   65279 sections: eu-elflint: No errors; eu-strip: exit 0, sections left 65277, debug file yes; strip: 65273
#   65282 sections: eu-elflint: No errors; eu-strip: exit 0, empty file, debug file no; strip: 65275
set -euo pipefail
strip --version | grep -qF ' 2.40' || { echo 'another version of binutils'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download elfutils=0.188-2.1 libelf1=0.188-2.1 libdw1=0.188-2.1 libasm1=0.188-2.1 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" packages; done
elfutils() { LD_LIBRARY_PATH=packages/usr/lib/x86_64-linux-gnu "packages/usr/bin/$1" "${@:2}"; }

object_with_functions() {
  awk -v functions="$1" 'BEGIN {
    for (i = 1; i <= functions; i += 1) printf ".section .text.f%d, \"ax\"\n.globl f%d\nf%d: ret\n", i, i, i
    print ".section .data.table, \"aw\"\n.quad f2"
    print ".section .debug_info, \"\"\n.quad f1"
  }' | as -o object.o -
}
sections_of() { readelf -SW "$1" | sed -n 's/^There are \([0-9]*\) section headers.*/\1/p'; }
try() {
  object_with_functions "$1"
  rm -f eu.o eu.debug
  local exit=0 left='empty file' debug=no
  elfutils eu-strip -f eu.debug -o eu.o object.o 2>/dev/null || exit=$?
  test ! -s eu.o || left="sections left $(sections_of eu.o)"
  test ! -s eu.debug || debug=yes
  strip -o gnu.o object.o
  echo "$(sections_of object.o) sections: eu-elflint: $(elfutils eu-elflint object.o); \
eu-strip: exit $exit, $left, debug file $debug; strip: $(sections_of gnu.o)"
}
seen=$(try 65267; try 65269)
echo "$seen"
test "$seen" = '65279 sections: eu-elflint: No errors; eu-strip: exit 0, sections left 65277, debug file yes; strip: 65273
65282 sections: eu-elflint: No errors; eu-strip: exit 0, empty file, debug file no; strip: 65275'
