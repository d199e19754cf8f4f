// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { CombinePatchesRequest, CombinePatchesResponse } from '@lockstep/contracts/generated';
import { LockstepError, parsePatchId, parseNewPatchName, type PatchId } from '@lockstep/domain/livepatch-model';
import type { PatchRecord } from '@lockstep/io/database';
import { patchSubmitted } from '../events/operator-events';
import type { Uses } from '../services';
import { onePatchToWire } from '../views/build-view';
import { chosenKernels, queueBuilds, type BuildQueuer } from './queue-builds';

function combinedIdOf(
  { description, author }: CombinePatchesRequest,
  name: string,
  parts: readonly PatchId[],
): PatchId {
  const content = JSON.stringify([name, description, author, parts]);
  return parsePatchId(createHash('sha256').update(`lockstep combined patch 1\n${content}`).digest('hex'));
}

function checkParts(parts: readonly PatchRecord[]): void {
  const names = parts.map(({ name }) => name);
  if (parts.length < 2) {
    throw new LockstepError('invalid-input', 'too-few-patches', 'Name two patches or more to combine.', { names });
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new LockstepError('invalid-input', 'patch-named-twice', `${twice} is named twice.`, { names });
}

/** Keeps one cumulative patch: its content is that of its parts, which never change. */
export async function combinePatches(
  services: Uses<BuildQueuer | 'db.patches' | 'events'>,
  request: CombinePatchesRequest,
): Promise<CombinePatchesResponse> {
  const { db } = services;
  const parts: PatchRecord[] = [];
  for (const named of request.patches) parts.push(await db.patches.require(named));
  checkParts(parts);
  const { description, author } = request;
  const name = parseNewPatchName(request.name);
  const combines = parts.map(({ id }) => id);
  const cves = [...new Set(parts.flatMap((part) => part.cves))].sort();
  const id = combinedIdOf(request, name, combines);
  const kernels = await chosenKernels(db, request.kernelBuildIds);
  const patch = await db.patches.submit({ id, name, description, author, cves, combines, diff: new Uint8Array() });
  await services.events.record([patchSubmitted(patch)]);
  const wishes = kernels.map((kernelBuild) => ({
    patch: patch.id,
    kernelBuild,
    onto: [],
    reproduce: request.reproduce,
  }));
  return {
    patch: await onePatchToWire(db, patch),
    builds: await queueBuilds(services, wishes, request.priority),
  };
}
