#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# ccache 4.7.5 (Debian 12: 4.8+really4.7.5-1) and gcc 12.2.
#
# An option that makes the compiler write one more file is either known to ccache, and the file comes back with a hit,
# or makes the call uncachable. Three are neither: the file is written at a miss and silently missing at a hit, with
# exit status 0. So a second build of the same tree has no dependency file of what was assembled (-Wa,--MD), no
# prototypes (-aux-info) and no notes on what was inlined (-fopt-info-inline=FILE), or those of another build that lie there.
#
# Seen:
#   -Wa,--MD,more: miss yes, hit no
#   -aux-info more: miss yes, hit no
#   -fopt-info-inline=more: miss yes, hit no
#   -fstack-usage (known): miss yes, hit yes
#   -fdump-final-insns=more (uncachable): miss yes, hit yes
set -euo pipefail
gcc --version | grep -qF ' 12.2' || { echo 'another version of gcc'; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download ccache=4.8+really4.7.5-1 libhiredis0.14 libzstd1 >/dev/null 2>&1
for deb in *.deb; do dpkg -x "$deb" packages; done
export CCACHE_DIR=$dir/cache CCACHE_CONFIGPATH=/dev/null
compile() { LD_LIBRARY_PATH=packages/usr/lib/x86_64-linux-gnu packages/usr/bin/ccache gcc -O2 "$@" -c unit.c -o unit.o; }
cat >unit.c <<'C'
static int twice(int a) { return a * 2; }
int four_times(int a) { return twice(a) + twice(a); }
C
once() { rm -f more unit.su; compile "$@"; if test -e more || test -e unit.su; then echo yes; else echo no; fi; }
try() {
  local miss
  miss=$(once ${@:2})
  echo "$1: miss $miss, hit $(once ${@:2})"
}
seen=$(
  try '-Wa,--MD,more' -Wa,--MD,more
  try '-aux-info more' -aux-info more
  try '-fopt-info-inline=more' -fopt-info-inline=more
  try '-fstack-usage (known)' -fstack-usage
  try '-fdump-final-insns=more (uncachable)' -fdump-final-insns=more
)
echo "$seen"
test "$seen" = '-Wa,--MD,more: miss yes, hit no
-aux-info more: miss yes, hit no
-fopt-info-inline=more: miss yes, hit no
-fstack-usage (known): miss yes, hit yes
-fdump-final-insns=more (uncachable): miss yes, hit yes'
