#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux-image-6.1.0-50-cloud-amd64 6.1.176-1 (Debian 12), binutils 2.40.
#
# /boot/config-RELEASE is taken for the config that the kernel was built with. Debian's packages ship it without four options,
# not as "is not set" but without the lines, so that `make olddefconfig` gives them their defaults and has nothing to say. Two of
# them are keys that nobody else has, one says that modules are signed. The fourth, CONFIG_BUILD_SALT, is in what is compiled: a note in vmlinux, in
# each module and in the vDSOs, where it moves what lies behind it by 16 bytes (the 32-bit one's alternatives from 0x147a to 0x148a, as vmlinux
# has them in vdso_image_32). A rebuild from that config differs there; of 71 objects that were compared byte for byte no other one did. The
# kernel itself tells the salt, in that note (readelf calls its type OPEN), and to root in /sys/kernel/notes.
#
# Seen:
#   /boot/config: 0 lines about BUILD_SALT, MODULE_SIG_ALL, MODULE_SIG_KEY or SYSTEM_TRUSTED_KEYS
#   note of fuse.ko: 6.1.0-50-cloud-amd64
set -euo pipefail
readelf --version | grep -qF ' 2.40' || { echo 'another version of binutils'; exit 2; }
release=6.1.0-50-cloud-amd64
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download "linux-image-$release=6.1.176-1" >/dev/null 2>&1
dpkg -x ./*.deb image
options='BUILD_SALT|MODULE_SIG_ALL|MODULE_SIG_KEY|SYSTEM_TRUSTED_KEYS'
{
  echo "/boot/config: $(grep -cE "CONFIG_($options)[ =]" "image/boot/config-$release" || true) lines about ${options//|/, }" | sed 's/,\( [^,]*\)$/ or\1/'
  # The owner `Linux`, type 0x100: 12 bytes of header, 8 of owner.
  objcopy -O binary -j .note.Linux "image/lib/modules/$release/kernel/fs/fuse/fuse.ko" note
  echo "note of fuse.ko: $(grep -aoF "$release" note | head -n 1)"
} | tee seen
diff seen - <<'SEEN'
/boot/config: 0 lines about BUILD_SALT, MODULE_SIG_ALL, MODULE_SIG_KEY or SYSTEM_TRUSTED_KEYS
note of fuse.ko: 6.1.0-50-cloud-amd64
SEEN
