// SPDX-License-Identifier: GPL-2.0-only
import type { QemuMachine } from '@lockstep/testing/qemu-machine';

/** How long a transition may take on an idle machine under emulation. */
const transitionSeconds = 60;

/** Loads the module, waits for the transition, disables it, waits again, removes it; then nothing may be left of it. */
const script = (file: string, name: string): string => `
  set -e
  wait_for() { for i in $(seq ${transitionSeconds * 5}); do "$@" && return 0; sleep 0.2; done; echo "timed out: $*" >&2; return 1; }
  patch=/sys/kernel/livepatch/${name}
  settled() { [ "$(cat $patch/transition)" = 0 ]; }
  gone() { [ ! -e $patch ]; }
  dmesg -C
  insmod ${file}
  wait_for settled
  [ "$(cat $patch/enabled)" = 1 ]
  cat /proc/meminfo /proc/mounts /proc/net/dev >/dev/null
  echo 0 >$patch/enabled
  wait_for gone
  rmmod ${name}
  ! dmesg | grep -E 'BUG|WARNING|Oops|Call Trace' >&2
`;

/** @returns what went wrong, or undefined where it was loaded and unloaded without a word from the kernel. */
export async function loadAndUnload(machine: QemuMachine, file: string, name: string): Promise<string | undefined> {
  const { status, stderr, stdout } = await machine.exec(script(file, name), 4 * transitionSeconds * 1000);
  return status === 0 ? undefined : `${stderr}${stdout}`.trim() || `status ${status}`;
}
