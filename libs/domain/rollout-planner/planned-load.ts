// SPDX-License-Identifier: GPL-2.0-only
import type { PatchedFunction, Seq } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';

/** A load entry of the position's stack, as far as it decides what is in its way. */
export interface PlannedLoad {
  readonly seq: Seq;
  readonly functions: readonly PatchedFunction[];
}

export const plannedLoads = (entries: readonly LogEntry[], toSeq: Seq): PlannedLoad[] =>
  stackAt(entries, toSeq).map(({ seq, body }) => ({ seq, functions: body.artifact.functions }));
