// SPDX-License-Identifier: GPL-2.0-only
import { showFunction, type PatchedFunction } from './patched-function';

/** What can be seen of a host before a load that makes its kernel refuse the load, or its tasks hold the transition up. */
export const obstacleKinds = [
  'modules-disabled',
  'signature-enforced',
  'ftrace-disabled',
  'function-held',
  'bpf-trampoline',
  'frozen-tasks',
] as const;

export type ObstacleKind = (typeof obstacleKinds)[number];

export interface Obstacle {
  readonly kind: ObstacleKind;
  /** The function, as `showFunction` puts it without its place, or the control group; empty: all of the host. */
  readonly at: string;
  /** Who or what it is, as far as the kernel tells. */
  readonly by: string;
  /** Of `signature-enforced`: ids of all keys that the kernel shows, lower-case hex. Absent where it shows none. */
  readonly trusted?: readonly string[];
}

/** How much is known beforehand: the kernel will refuse; it will if the module has no signature; a transition may be held up. */
export function consequenceOf(kind: ObstacleKind): 'refused' | 'refused-unsigned' | 'held-up' {
  switch (kind) {
    case 'modules-disabled':
    case 'ftrace-disabled':
    case 'function-held':
      return 'refused';
    case 'signature-enforced':
      return 'refused-unsigned';
    case 'bpf-trampoline':
    case 'frozen-tasks':
      return 'held-up';
  }
}

/** Is it in the way of a livepatch that changes these functions? What sits on stacks of sleepers is in the way of any. */
export function concerns({ kind, at }: Obstacle, functions: readonly PatchedFunction[]): boolean {
  if (kind !== 'function-held') return true;
  return functions.some(({ object, name }) => showFunction({ object, name, sympos: 0 }) === at);
}

/**
 * Will the kernel refuse a livepatch that changes these functions, whatever it is signed by? Ftrace tells the names of those
 * that are taken: where several functions have one, it may be another.
 */
export function isFatalTo(obstacle: Obstacle, functions: readonly PatchedFunction[]): boolean {
  if (consequenceOf(obstacle.kind) !== 'refused') return false;
  return concerns(
    obstacle,
    functions.filter(({ sympos }) => sympos === 0),
  );
}

/**
 * A sentence that says what it is, and one that says what to do.
 * @param functions what is to be changed, where that is known
 */
export function describeObstacle({ kind, at, by }: Obstacle, functions?: readonly PatchedFunction[]): string {
  switch (kind) {
    case 'modules-disabled':
      return 'The kernel takes no module until the next boot (kernel.modules_disabled is 1). Reboot without that setting.';
    case 'signature-enforced':
      return `The kernel takes no unsigned module (${by}). Sign the module with a key that the kernel trusts.`;
    case 'ftrace-disabled':
      return 'Livepatches cannot be loaded while kernel.ftrace_enabled is 0. Set it: sysctl kernel.ftrace_enabled=1.';
    case 'function-held':
      if (functions !== undefined && !isFatalTo({ kind, at, by }, functions)) {
        return (
          `A function named ${at} is taken by ${by}, and several have that name: if it is the one that is changed, the ` +
          'kernel refuses the livepatch. Take that away for the time of the load.'
        );
      }
      return `${at} is taken by ${by}: no livepatch can be put there. Take that away first.`;
    case 'bpf-trampoline':
      return (
        `${at} has ${by}: tasks that sleep below a BPF fexit program have stacks that the kernel cannot rely on, ` +
        'and hold any transition up. Detach the program for the time of the load (bpftool link).'
      );
    case 'frozen-tasks':
      return (
        `Control group ${at} is frozen (${by}): its tasks do not run until they are thawed, and hold a transition up ` +
        'where they are in a function that it changes. Thaw it for the time of the load.'
      );
  }
}
