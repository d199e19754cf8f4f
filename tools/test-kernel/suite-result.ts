// SPDX-License-Identifier: GPL-2.0-only
import type { TapResult } from './tap';

/**
 * `upstream-system`, `upstream-stop-machine`: upstream's again, with their livepatches switched in that mode. `-debug`: on
 * the kernel with every check on. `consistency-preempt`: on one that preempts tasks anywhere. `stock`: the node agent's and
 * the CLI's kernel tests without our core.
 */
export const suiteNames = [
  'style',
  'upstream',
  'upstream-system',
  'upstream-stop-machine',
  'lockstep',
  'consistency',
  'consistency-preempt',
  'stock',
  'upstream-debug',
  'lockstep-debug',
  'consistency-debug',
] as const;
export type SuiteName = (typeof suiteNames)[number];

export interface SuiteResult extends Pick<TapResult, 'passed' | 'failed'> {
  readonly suite: SuiteName;
  /** What else is worth telling. */
  readonly note?: string;
}
