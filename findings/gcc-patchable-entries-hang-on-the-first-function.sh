#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# gcc 12.2, as and ld 2.40 (Debian 12); clang 14.0.6 as the peer.
#
# With -ffunction-sections gcc puts the entry of every function of a file into one __patchable_function_entries section
# and links that (SHF_LINK_ORDER, "awo") to the first function alone; clang writes one section for each function. So what
# a linker with --gc-sections keeps depends on which function stands first in its file: is that one unused, the entries
# of all others go with it, and functions that are in the program cannot be patched or traced. No message; the code is
# the same. It is how arm64 and RISC-V kernels find what ftrace and livepatches may hook. A differ that takes sh_link as
# "belongs to this function" is misled in the same way.
#
# Seen, a program that calls used() only:
#   gcc, used() stands first: 2 entries for 2 functions
#   gcc, unused() stands first: 0 entries for 1 functions
#   clang, used() stands first: 1 entries for 1 functions
#   clang, unused() stands first: 1 entries for 1 functions
set -euo pipefail
gcc --version | grep -qF ' 12.2' && ld --version | grep -qF ' 2.40' || { echo 'other versions of gcc or binutils'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# clang with its libraries, unpacked and not installed.
apt-get download clang-14=1:14.0.6-12 libclang-cpp14=1:14.0.6-12 libllvm14=1:14.0.6-12 libz3-4 libxml2 libedit2 \
  libbsd0 libmd0 libicu72 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" packages; done
clang() { LD_LIBRARY_PATH=packages/usr/lib/x86_64-linux-gnu packages/usr/lib/llvm-14/bin/clang "$@"; }

used='int used(int a) { return a + 1; }'
unused='int unused(int a) { return a - 1; }'
echo "$used $unused" >'used() stands first.c'
echo "$unused $used" >'unused() stands first.c'
echo 'int used(int); void _start(void) { used(1); for (;;) ; }' >main.c
gcc -O2 -c main.c
for compiler in gcc clang; do
  for first in used unused; do
    $compiler -O2 -ffunction-sections -fpatchable-function-entry=5 -c "$first() stands first.c" -o functions.o
    ld --gc-sections -e _start -o program main.o functions.o
    bytes=$(readelf -SW program | awk '{ sub(/^ *\[ *[0-9]+\] */, "") } $1 == "__patchable_function_entries" { print $5 }')
    functions=$(nm program | grep -cE ' T (un)?used$')
    echo "$compiler, $first() stands first: $((16#${bytes:-0} / 8)) entries for $functions functions"
  done
done | tee seen
diff seen - <<'SEEN'
gcc, used() stands first: 2 entries for 2 functions
gcc, unused() stands first: 0 entries for 1 functions
clang, used() stands first: 1 entries for 1 functions
clang, unused() stands first: 1 entries for 1 functions
SEEN
