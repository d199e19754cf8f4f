// SPDX-License-Identifier: GPL-2.0-only
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';
import type { OrderCensus } from '../clusters/census';

export interface Coverage {
  /** How many nodes are at a position whose stack has the patch. */
  readonly holding: number;
  /** Its place in the stack of the head; undefined: it was never appended, or is retired. */
  readonly seq: Seq | undefined;
}

/** Who of a load order's nodes holds a patch, by where they are in it. */
export function coverageOf(
  entries: readonly LogEntry[],
  { headSeq, positions }: Pick<OrderCensus, 'headSeq' | 'positions'>,
  patch: string,
): Coverage {
  const seqAt = (position: number): Seq | undefined =>
    stackAt(entries, parseSeq(Math.min(position, entries.length))).findLast(
      ({ body }) => body.artifact.patchName === patch,
    )?.seq;
  const holding = positions.filter(({ position }) => seqAt(position) !== undefined);
  return { holding: holding.reduce((sum, { nodes }) => sum + nodes, 0), seq: seqAt(headSeq) };
}
