// SPDX-License-Identifier: GPL-2.0-only
import type { PatchedFunction, Seq } from '@lockstep/domain/livepatch-model';
import { isLoad, type LogEntry } from '@lockstep/domain/load-order';

/** A load entry, as far as it decides what is in its way. */
export interface PlannedLoad {
  readonly seq: Seq;
  readonly functions: readonly PatchedFunction[];
}

export const plannedLoads = (entries: readonly LogEntry[], toSeq: Seq): PlannedLoad[] =>
  entries
    .filter(isLoad)
    .filter(({ seq }) => seq <= toSeq)
    .map(({ seq, body }) => ({ seq, functions: body.artifact.functions }));
