// SPDX-License-Identifier: GPL-2.0-only
import type { PatchId, Seq } from '@lockstep/domain/livepatch-model';
import type { UnsignedEntry } from './log-entry';
import type { Stack } from './stack';

/**
 * The entries of `stack` that hold `patches`, which must lie in it in this order (others may lie between).
 * Undefined unless every one is there: what was built over them does not fit this stack.
 */
export function entriesHolding(stack: Stack<UnsignedEntry>, patches: readonly PatchId[]): Seq[] | undefined {
  const seqs: Seq[] = [];
  let from = 0;
  for (const patch of patches) {
    const at = stack.findIndex((entry, index) => index >= from && entry.body.artifact.patch === patch);
    const found = stack[at];
    if (found === undefined) return undefined;
    seqs.push(found.seq);
    from = at + 1;
  }
  return seqs;
}
