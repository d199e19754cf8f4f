// SPDX-License-Identifier: GPL-2.0-only
import type { PatchedFunction, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';

/** A load entry of the position's stack, as far as it decides what is in its way. */
export interface PlannedLoad {
  readonly seq: Seq;
  readonly functions: readonly PatchedFunction[];
  /** Id of the key that its module is signed with for the kernel's own check, empty for one without; absent if not known. */
  readonly signer?: string | undefined;
}

/** @param signers by the module's sha256, as far as they are known */
export const plannedLoads = (
  entries: readonly LogEntry[],
  toSeq: Seq,
  signers: ReadonlyMap<Sha256, string> = new Map(),
): PlannedLoad[] =>
  stackAt(entries, toSeq).map(({ seq, body: { artifact } }) => {
    const signer = signers.get(artifact.sha256);
    return { seq, functions: artifact.functions, ...(signer === undefined ? {} : { signer }) };
  });
