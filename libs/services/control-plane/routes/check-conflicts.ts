// SPDX-License-Identifier: GPL-2.0-only
import type {
  CheckConflictsRequest,
  CheckConflictsResponse,
  TornPatch as WireTorn,
} from '@lockstep/contracts/generated';
import { functionToWire } from '@lockstep/contracts/wire';
import { conflictsWith, tornPatches } from '@lockstep/domain/conflicts';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { droppedBy, nextSeq, stackAt, stackOwners, type Stack } from '@lockstep/domain/load-order';
import type { Uses } from '../services';
import { builtFor, type BuildChooser, type FittingBuild } from './choose-build';
import { chooseLog, type LogChooser } from './choose-log';
import { waysOut } from './ways-out';

const nameAt = (stack: Stack, seq: number): string =>
  stack.find((entry) => entry.seq === seq)?.body.artifact.patchName ?? '';

/** What a cumulative patch would do away with. */
function droppedEntries(stack: Stack, { builtOnto }: FittingBuild): WireTorn[] {
  const dropped = droppedBy(stack, builtOnto);
  return stack
    .filter(({ seq }) => dropped.includes(seq))
    .map(({ seq, body: { artifact } }) => {
      return { seq, patchName: artifact.patchName, running: [], shadowed: artifact.functions.map(functionToWire) };
    });
}

/** What loading a patch over the present stack would conflict with, and which patches it would leave torn. */
export async function checkConflicts(
  services: Uses<LogChooser | BuildChooser>,
  request: CheckConflictsRequest,
): Promise<CheckConflictsResponse> {
  const { db } = services;
  const log = await chooseLog(services, request);
  const patch = await db.patches.require(request.patch);
  const entries = await db.loadOrders.entries(log);
  const stack = stackAt(entries, parseSeq(entries.length));
  const fitting = (await builtFor(db, log, patch, request.buildId))(stack);
  const { build, builtOnto } = fitting;
  const seen = { buildId: build.id, builtOnto: [...builtOnto] };
  // A replace patch takes over: nothing is left to conflict with, and nothing torn.
  if (build.artifact.replace) {
    return { ...seen, conflicts: [], torn: [], dropped: droppedEntries(stack, fitting), waysOut: [] };
  }
  const newcomer = nextSeq(entries);
  const owners = stackOwners(stack);
  const conflicts = conflictsWith(build.artifact.functions, owners);
  const open = conflicts.filter(({ owner }) => !builtOnto.includes(owner)).map(({ owner }) => nameAt(stack, owner));
  // A patch whose change the newcomer contains loses nothing where it is shadowed.
  const torn = tornPatches([...owners, { id: newcomer, functions: build.artifact.functions }]).filter(
    ({ id, shadowed }) => !builtOnto.includes(id) && shadowed.some(({ by }) => by === newcomer),
  );
  return {
    ...seen,
    conflicts: conflicts.map((conflict) => ({
      function: functionToWire(conflict.function),
      ownerSeq: conflict.owner,
      ownerPatchName: nameAt(stack, conflict.owner),
      contained: builtOnto.includes(conflict.owner),
    })),
    torn: torn.map(({ id, running, shadowed }) => ({
      seq: id,
      patchName: nameAt(stack, id),
      running: running.map(functionToWire),
      shadowed: shadowed.map((each) => functionToWire(each.function)),
    })),
    dropped: [],
    waysOut: waysOut({
      cluster: log.cluster,
      patch: patch.name,
      top: stack.at(-1)?.seq ?? 0,
      victims: [...new Set(open)],
    }),
  };
}
