// SPDX-License-Identifier: GPL-2.0-only

export const kernelTroubleKinds = ['warning', 'oops', 'lockup', 'rcu-stall'] as const;
export type KernelTroubleKind = (typeof kernelTroubleKinds)[number];

/** The last thing that a kernel has complained about in its own log since it booted. */
export interface KernelTrouble {
  /** Of that record, in that boot: another one is another complaint. */
  readonly id: string;
  readonly kind: KernelTroubleKind;
  /** As the kernel wrote it. */
  readonly message: string;
}

/** As the kernel begins what it complains about; user space cannot write records of its facility. */
const beginnings: readonly (readonly [KernelTroubleKind, RegExp])[] = [
  [
    'lockup',
    /^(?:watchdog: )?BUG: (?:soft|workqueue) lockup|Watchdog detected hard LOCKUP|^watchdog: CPU\d+: hard LOCKUP/,
  ],
  ['rcu-stall', /^(?:rcu: )?INFO: rcu\w* (?:self-)?detected.*stall/],
  [
    'oops',
    /^(?:BUG: (?:kernel NULL pointer|unable to handle|(?:\S+ )?stack guard page was hit)|kernel BUG at |Oops: |general protection fault|Unable to handle kernel|stack segment: )/,
  ],
  // WARN() as kernels have written it, newer ones with the place first, what lock and RCU checkers find, and what else is called
  // a BUG: after these the kernel goes on, as a task that sleeps where it must not.
  [
    'warning',
    /^(?:WARNING: (?:CPU: |\S+:\d+ at |possible |suspicious |inconsistent lock|bad unlock|held lock|lock held|Nested lock|(?:HARD|SOFT)IRQ-|kernel stack )|(?:\[ )?BUG: )/,
  ],
];

export interface KernelLogRecord {
  /** Grows by one with each record of a boot. */
  readonly seq: number;
  readonly kind: KernelTroubleKind;
  readonly message: string;
}

/**
 * One record of /dev/kmsg (`prefix,seq,time,flags;message`), if the kernel complains in it. What user space has written
 * there is of another facility, and is no complaint of the kernel's.
 */
export function readKernelLogRecord(record: string): KernelLogRecord | undefined {
  const [, prefix, seq, message] = /^(\d+),(\d+),[^;]*;([^\n]*)/.exec(record) ?? [];
  if (prefix === undefined || seq === undefined || message === undefined || Number(prefix) >= 8) return undefined;
  const found = beginnings.find(([, beginning]) => beginning.test(message));
  return found === undefined ? undefined : { seq: Number(seq), kind: found[0], message };
}
