#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Linux 6.1.192 (linux-source-6.1 of Debian 12), gcc 12.2. Takes two minutes: kbuild's own tools are compiled.
#
# A vendor's config is no description of its kernel: some symbols are computed from programs of the machine that reads it.
# Where pahole is not installed, `make olddefconfig` takes CONFIG_DEBUG_INFO_BTF=y and DEBUG_INFO_BTF_MODULES=y out of a config
# that has them, prints no word about it and ends with 0. One would take that for debug information, which no code reads. Upstream it
# is the layout of struct module: `exit` and whatever else lies behind moves by 16 bytes, with the same vermagic, and 6.1
# compares no sizes: only CONFIG_MODVERSIONS would notice. So pahole, which only works on a linked vmlinux, decides whether a
# module that is compiled against that config fits; that it tells a version is enough. Debian has `#if 1` around these members,
# so that one who looks at Debian's tree alone finds nothing wrong.
#
# Seen:
#   pahole 1.24: status 0, BTF y y, exit at 568, with upstream's header at 568
#   no pahole: status 0, BTF - -, exit at 568, with upstream's header at 552
#   said about BTF: 0 lines
set -euo pipefail
tarball=/usr/src/linux-source-6.1.tar.xz
test "$(dpkg-query -W -f '${Version}' linux-source-6.1 2>/dev/null)" = 6.1.192-2 && gcc --version | grep -qF ' 12.2' ||
  { echo 'other versions of linux-source-6.1 or gcc'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir tree module
tar -xf "$tarball" --strip-components=1 -C tree
printf '#!/bin/sh\necho v1.24\n' >pahole
chmod +x pahole
cat >module/probe.c <<'C'
#include <linux/module.h>
unsigned long exit_at = offsetof(struct module, exit);
C
echo 'obj-m := probe.o' >module/Makefile
run() { make -s -C tree PAHOLE="$pahole" "$@"; }

pahole=$PWD/pahole
run tinyconfig >/dev/null
(cd tree && scripts/config -e 64BIT -e MODULES -e MODULE_UNLOAD -e BPF -e BPF_SYSCALL -e DEBUG_KERNEL \
  -d DEBUG_INFO_NONE -e DEBUG_INFO_DWARF5 -e DEBUG_INFO_BTF)
run olddefconfig
cp tree/.config vendor.config

value() { sed -n "s/^CONFIG_$1=//p" tree/.config | grep . || echo -; }
exit_at() {
  run M="$PWD/module" probe.o >>log 2>&1
  objcopy -O binary -j .data module/probe.o data
  od -An -N 8 -t d8 data | tr -d ' '
  rm module/probe.o
}
header=tree/include/linux/module.h
cp "$header" debian.h
sed '/^#if 1$/{ N; /btf_data_size/s/^#if 1/#ifdef CONFIG_DEBUG_INFO_BTF_MODULES/; }' debian.h >upstream.h
look() {
  local status=0
  cp vendor.config tree/.config
  run olddefconfig >>said 2>&1 || status=$?
  run -j2 modules_prepare >log 2>&1
  printf '%s: status %s, BTF %s %s, exit at %s' "$1" "$status" \
    "$(value DEBUG_INFO_BTF)" "$(value DEBUG_INFO_BTF_MODULES)" "$(exit_at)"
  cp upstream.h "$header"
  printf ", with upstream's header at %s\n" "$(exit_at)"
  cp debian.h "$header"
}
{
  look 'pahole 1.24'
  pahole=$PWD/no-such-program
  look 'no pahole'
  echo "said about BTF: $(grep -c BTF said || true) lines"
} | tee seen
diff seen - <<'SEEN'
pahole 1.24: status 0, BTF y y, exit at 568, with upstream's header at 568
no pahole: status 0, BTF - -, exit at 568, with upstream's header at 552
said about BTF: 0 lines
SEEN
