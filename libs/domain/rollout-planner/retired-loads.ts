// SPDX-License-Identifier: GPL-2.0-only
import type { PatchName, Seq } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';

/** An entry of a position's stack that has been retired since. */
export interface RetiredLoad {
  readonly seq: Seq;
  readonly patchName: PatchName;
  /** The entry that retires it. */
  readonly by: Seq;
}

/** What a rollout to this position would load although nobody wants it any more. */
export function retiredLoads(entries: readonly LogEntry[], toSeq: Seq): RetiredLoad[] {
  const by = new Map(
    entries.slice(toSeq).flatMap(({ seq, body }) => (body.kind === 'retire' ? [[body.retires, seq] as const] : [])),
  );
  if (by.size === 0) return [];
  return stackAt(entries, toSeq).flatMap(({ seq, body }) => {
    const retiredBy = by.get(seq);
    return retiredBy === undefined ? [] : [{ seq, patchName: body.artifact.patchName, by: retiredBy }];
  });
}

/** Those that a node at this position would still have to load. */
export const retiredAhead = (retired: readonly RetiredLoad[], position: Seq): RetiredLoad[] =>
  retired.filter(({ seq }) => position < seq);

/** `fix (#5) by #6`. */
export const explainRetired = (retired: readonly RetiredLoad[]): string =>
  retired.map(({ patchName, seq, by }) => `${patchName} (#${seq}) by #${by}`).join(', ');
