#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# gcc 12.2, GNU as, ld and objcopy 2.40 (Debian 12, x86-64).
#
# Whether an object says that it uses one of its own global functions depends on the instruction: `call f` leaves a
# relocation with f's name, `jmp f` and `jne f` in the same section are resolved by the assembler and leave nothing, so
# that gcc's tail calls are no references any more. (Not with -mshared, -fPIC or -ffunction-sections.) Whoever works on
# finished objects sees half of the uses: a call graph by relocations, a differ that asks who uses f, and whoever makes
# f weak to replace it. There the calls go to the new function and the tail calls to the old one, in one program.
#
# Seen, replaced() weakened by objcopy and defined again in another object:
#   relocations that name it: 1 of 2 uses
#   called: new   tail-called: old
set -euo pipefail
gcc --version | grep -qF ' 12.2' && as --version | grep -qF ' 2.40' || { echo 'other versions of gcc or binutils'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >uses.c <<'C'
__attribute__((noipa)) const char *replaced(int i) { return &"old"[i]; }
const char *called(int i) { const char *name = replaced(i); return name ? name : "none"; }
const char *tail_called(int i) { return replaced(i); }
C
cat >main.c <<'C'
#include <stdio.h>
const char *called(int i), *tail_called(int i);
const char *replaced(int i) { return &"new"[i]; }
int main(void) { printf("called: %s   tail-called: %s\n", called(0), tail_called(0)); }
C
gcc -O2 -fno-pic -c uses.c
gcc -O2 -fno-pic -c main.c
named=$(readelf -rW uses.o | grep -c 'R_X86_64_PLT32 .* replaced')
objcopy --weaken-symbol=replaced uses.o
gcc -no-pie -o program uses.o main.o
seen="relocations that name it: $named of 2 uses
$(./program)"
echo "$seen"
test "$seen" = 'relocations that name it: 1 of 2 uses
called: new   tail-called: old'
