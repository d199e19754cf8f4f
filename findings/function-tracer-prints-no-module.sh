#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Linux 6.1.176 (Debian's cloud kernel 6.1.0-50), busybox 1.35, QEMU 7.2 by software emulation. Takes half a minute.
#
# The function tracer is where one looks whether a livepatch's function runs. Its filter names a function with its module
# (`fuse_ctl_init_fs_context [fuse]`); its trace prints the name alone, for function and caller alike. A replacement is called as the function that it
# replaces, so that the two cannot be told apart, nor can namesakes of two modules. With the option sym-offset the same
# trace prints the module, beside the offset. A filter by module (`:mod:NAME`) tells them apart as well.
#
# Seen:
#   filter: fuse_ctl_init_fs_context [fuse]
#   trace: fuse_ctl_init_fs_context <-alloc_fs_context
#   sym-offset: fuse_ctl_init_fs_context+ [fuse] <-alloc_fs_context+
set -euo pipefail
release=6.1.0-50-cloud-amd64
qemu-system-x86_64 --version | grep -qF ' 7.2' || { echo 'another version of QEMU'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download "linux-image-$release=6.1.176-1" busybox-static >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" packages; done
busybox=packages/bin/busybox
"$busybox" | head -1 | grep -qF ' v1.35' || { echo 'another version of busybox'; exit 2; }

mkdir -p root/bin root/proc root/tracing root/mnt
cp "$busybox" root/bin/
cp "packages/lib/modules/$release/kernel/fs/fuse/fuse.ko" root/
cat >root/init <<'INIT'
#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc none /proc
$b mount -t tracefs none /tracing
cd /tracing
$b insmod /fuse.ko
echo 'fuse_ctl_init_fs_context' >set_ftrace_filter
echo "SEEN filter: $($b cat set_ftrace_filter)" >/dev/console
echo function >current_tracer
# Without the task and the time before them, and the offsets' own digits.
look() {
  $b mount -t fusectl none /mnt
  $b umount /mnt
  echo "SEEN $1: $($b grep -o 'fuse_ctl_init_fs_context.*' trace | $b sed 's/+0x[0-9a-f]*\/0x[0-9a-f]*/+/g' | $b head -n 1)" >/dev/console
  echo >trace
}
look trace
echo 1 >options/sym-offset
look sym-offset
$b poweroff -f
INIT
chmod +x root/init
(cd root && find . | "../$busybox" cpio -o -H newc 2>/dev/null) >initramfs
timeout 280 qemu-system-x86_64 -m 512 -nographic -no-reboot -nic none -kernel "packages/boot/vmlinuz-$release" -initrd initramfs \
  -append 'console=ttyS0 quiet panic=-1' </dev/null >console
tr -d '\r' <console | sed -n 's/^.*SEEN //p' | tee seen
diff seen - <<'SEEN'
filter: fuse_ctl_init_fs_context [fuse]
trace: fuse_ctl_init_fs_context <-alloc_fs_context
sym-offset: fuse_ctl_init_fs_context+ [fuse] <-alloc_fs_context+
SEEN
