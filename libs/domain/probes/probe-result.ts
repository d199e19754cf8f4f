// SPDX-License-Identifier: GPL-2.0-only
import type { Seq } from '@lockstep/domain/livepatch-model';

/** `error`: it could not be measured, which is neither of the others. */
export type ProbeVerdict = 'pass' | 'fail' | 'error';

/** What a probe came to when it was run last. */
export interface ProbeResult {
  /** As `showProbe` writes it. */
  readonly probe: string;
  readonly verdict: ProbeVerdict;
  /** Why, in the node's words; empty of one that passed. */
  readonly message: string;
  /** Where the node stood all the while. */
  readonly position: Seq;
  /** How often in a row it came to the same there. */
  readonly inARow: number;
}

/** An error may pass by itself: only so many in a row say that it cannot be measured. */
export const triesUntilError = 3;

export type ProbeJudgement =
  | { readonly kind: 'pass' }
  /** Not all have been measured yet. */
  | { readonly kind: 'awaited'; readonly problem: string }
  | { readonly kind: 'fail'; readonly problem: string }
  | { readonly kind: 'error'; readonly problem: string };

const wordsOf = ({ probe, message }: ProbeResult): string => `${probe}: ${message}`;

/**
 * All of what was wanted, as one. One that fails is enough, whatever the others say, and one that could not be measured is
 * no pass.
 * @param wanted as `showProbe` writes them
 * @param isThere whether what was measured at this position counts
 */
export function judgeProbes(
  wanted: readonly string[],
  results: readonly ProbeResult[],
  isThere: (position: Seq) => boolean,
): ProbeJudgement {
  const found = wanted.map((probe) => results.find((each) => each.probe === probe && isThere(each.position)));
  const failed = found.find((each) => each?.verdict === 'fail');
  if (failed !== undefined) return { kind: 'fail', problem: wordsOf(failed) };
  const errors = found.flatMap((each) => (each?.verdict === 'error' ? [each] : []));
  const hopeless = errors.find(({ inARow }) => inARow >= triesUntilError);
  if (hopeless !== undefined) return { kind: 'error', problem: wordsOf(hopeless) };
  const [error] = errors;
  if (error !== undefined) return { kind: 'awaited', problem: wordsOf(error) };
  const missing = wanted.find((_, index) => found[index] === undefined);
  return missing === undefined ? { kind: 'pass' } : { kind: 'awaited', problem: `${missing}: no verdict yet` };
}
