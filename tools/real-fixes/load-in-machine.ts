// SPDX-License-Identifier: GPL-2.0-only
import type { QemuMachine } from '@lockstep/testing/qemu-machine';

/** How long a transition may take on an idle machine under emulation. */
const transitionSeconds = 60;

const functions = (name: string): string => `
  wait_for() { for i in $(seq ${transitionSeconds * 5}); do "$@" && return 0; sleep 0.2; done; echo "timed out: $*" >&2; return 1; }
  patch=/sys/kernel/livepatch/${name}
  settled() { [ "$(cat $patch/transition)" = 0 ]; }
  gone() { [ ! -e $patch ]; }
`;

/** Loads the module, waits for the transition, disables it, waits again, removes it; then nothing may be left of it. */
const script = (file: string, name: string): string => `
  set -e
  ${functions(name)}
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

/** What a command printed, and how many stacks the kernel dumped meanwhile. */
export interface Observations {
  readonly before: string;
  readonly under: string;
  readonly after: string;
}

/** What parts one observation from the next. */
const cut = '=== cut ===';

/** More than the few calls that something may be counted over. */
const observedRuns = 5;

/**
 * Runs a command before the module is loaded, while it is, and after it is gone.
 * @returns what went wrong, as text, where that did not come to its end
 */
export async function observeUnder(
  machine: QemuMachine,
  file: string,
  name: string,
  command: string,
): Promise<Observations | string> {
  const observed = `
  set -e
  ${functions(name)}
  observe() {
    dmesg -C
    for i in $(seq ${observedRuns}); do ${command}; done
    echo "stacks: $(dmesg | grep -c 'Call Trace' || :)"
  }
  observe
  echo '${cut}'
  insmod ${file}
  wait_for settled
  observe
  echo '${cut}'
  echo 0 >$patch/enabled
  wait_for gone
  rmmod ${name}
  observe
  ! dmesg | grep -E 'BUG|WARNING|Oops' >&2
`;
  const timeoutMs = 4 * transitionSeconds * 1000;
  const result = await machine.exec(observed, timeoutMs).catch((error: unknown) => String(error));
  if (typeof result === 'string') return result;
  const [before, under, after] = result.stdout.split(`${cut}\n`);
  if (result.status === 0 && before !== undefined && under !== undefined && after !== undefined) {
    return { before, under, after };
  }
  return result.stderr.trim() || `status ${result.status}`;
}
