// SPDX-License-Identifier: GPL-2.0-only
import type { CheckConflictsRequest, CheckConflictsResponse } from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import { conflictsWith, tornPatches } from '@lockstep/domain/conflicts';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { nextSeq, stackAt, stackOwners, type Stack } from '@lockstep/domain/load-order';
import type { Services } from '../services';
import { chooseLog } from './choose-log';

const nameAt = (stack: Stack, seq: number): string =>
  stack.find((entry) => entry.seq === seq)?.body.artifact.patchName ?? '';

/** What loading a patch over the present stack would conflict with, and which patches it would leave torn. */
export async function checkConflicts(
  { db }: Services,
  request: CheckConflictsRequest,
): Promise<CheckConflictsResponse> {
  const log = await chooseLog(db, request);
  const patch = await db.patches.require(request.patch);
  const artifact = await db.builds.requireArtifact(patch.id, log.kernelBuild);
  const entries = await db.loadOrders.entries(log);
  const stack = stackAt(entries, parseSeq(entries.length));
  const owners = stackOwners(stack);
  // A replace patch takes over: nothing is left to conflict with, and nothing torn.
  if (artifact.replace) return { conflicts: [], torn: [] };
  const newcomer = nextSeq(entries);
  const torn = tornPatches([...owners, { id: newcomer, functions: artifact.functions }]).filter(({ shadowed }) =>
    shadowed.some(({ by }) => by === newcomer),
  );
  return {
    conflicts: conflictsWith(artifact.functions, owners).map((conflict) => ({
      function: functionToWire(conflict.function),
      ownerSeq: conflict.owner,
      ownerPatchName: nameAt(stack, conflict.owner),
    })),
    torn: torn.map(({ id, running, shadowed }) => ({
      seq: id,
      patchName: nameAt(stack, id),
      running: running.map(functionToWire),
      shadowed: shadowed.map((each) => functionToWire(each.function)),
    })),
  };
}
