// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { Onto, SubmitPatchRequest, SubmitPatchResponse } from '@lockstep/contracts/generated';
import { parseCveId } from '@lockstep/domain/cve-exposure';
import {
  LockstepError,
  parsePatchId,
  parseNewPatchName,
  parseSeq,
  type ArtifactManifest,
  type KernelBuildId,
  type PatchId,
} from '@lockstep/domain/livepatch-model';
import { stackAt } from '@lockstep/domain/load-order';
import { maxFuzz, parseUnifiedDiff, refuseBuildChanges, type FileDiff } from '@lockstep/domain/source-patch';
import type { BuildWish } from '@lockstep/io/database';
import { patchSubmitted } from '../events/operator-events';
import type { Stores, Uses } from '../services';
import { onePatchToWire } from '../views/build-view';
import { chooseLog, type LogChooser } from './choose-log';
import { chosenKernels, queueBuilds, type BuildQueuer } from './queue-builds';

/** Fits into one message and one job with room to spare; a livepatch of this size would be no livepatch. */
const maxDiffBytes = 8 * 1024 * 1024;

/** Names the content: every field, its boundaries kept, and nothing that changes when it is submitted again. */
function patchIdOf({ name, diff, description, author, cves, ...words }: SubmitPatchRequest): PatchId {
  const { allowedTypeChanges, fuzz, mayChangeBuild } = words;
  const allowed = allowedTypeChanges === undefined ? [] : [allowedTypeChanges.types, allowedTypeChanges.because];
  const told = [...(fuzz > 0 ? [{ fuzz }] : []), ...(mayChangeBuild ? [{ mayChangeBuild }] : [])];
  const metadata = JSON.stringify([name, description, author, cves, ...allowed, ...told]);
  return parsePatchId(createHash('sha256').update(`lockstep patch 1\n${metadata}\n`).update(diff).digest('hex'));
}

/** By paths alone: what only a kernel's index tells, and a diff that cannot be read, the worker refuses. */
function refuseUnaskedBuildChanges({ diff, mayChangeBuild }: SubmitPatchRequest): void {
  if (mayChangeBuild) return;
  let files: FileDiff[];
  try {
    files = parseUnifiedDiff(Buffer.from(diff).toString('latin1'));
  } catch {
    return;
  }
  refuseBuildChanges(files);
}

function checkRequest({ diff, cves, allowedTypeChanges, fuzz }: SubmitPatchRequest): void {
  const isHalf = allowedTypeChanges?.types.length === 0 || allowedTypeChanges?.because.trim() === '';
  if (isHalf) {
    const message =
      'Types that may change are named, and why that is right is said: one without the other is not taken.';
    throw new LockstepError('invalid-input', 'no-reason-given', message);
  }
  if (fuzz > maxFuzz) {
    const message = `At most ${maxFuzz} lines of a hunk's context may differ: make the diff from this tree.`;
    throw new LockstepError('invalid-input', 'too-much-fuzz', message, { fuzz });
  }
  if (diff.length === 0) {
    throw new LockstepError('invalid-input', 'empty-diff', 'The diff is empty: a patch changes something.');
  }
  if (diff.length > maxDiffBytes) {
    const message = `The diff has ${diff.length} bytes; at most ${maxDiffBytes} are taken.`;
    throw new LockstepError('invalid-input', 'diff-too-large', message, { sizeBytes: diff.length });
  }
  for (const cve of cves) parseCveId(cve);
}

/** A load order that was recovered from its nodes may name patches whose diffs were lost. */
async function insistDiffsKnown(db: Stores<'patches'>, artifacts: readonly ArtifactManifest[]): Promise<void> {
  const known = await db.patches.names(artifacts.map(({ patch }) => patch));
  const lost = artifacts.filter(({ patch }) => !known.has(patch)).map(({ patchName }) => patchName);
  if (lost.length === 0) return;
  const message = `The diff of ${lost.join(', ')} is not known here: submit it again exactly as it was, then build onto it.`;
  throw new LockstepError('refused', 'diff-lost', message, { patches: lost });
}

/** The patches of the stack that a build is to go over, bottom first, and the kernel build that they are for. */
async function readOnto(
  services: Uses<LogChooser | 'db.patches'>,
  onto: Onto,
): Promise<{ kernelBuild: KernelBuildId; patches: PatchId[] }> {
  const { db } = services;
  const log = await chooseLog(services, onto);
  const entries = await db.loadOrders.entries(log);
  const seq = parseSeq(onto.seq);
  const stack = stackAt(entries, seq);
  if (seq > entries.length || stack.length === 0) {
    const message =
      seq > entries.length
        ? `The load order of ${log.cluster} ends at #${entries.length}: there is no #${seq} to build onto.`
        : `The stack at #${seq} is empty: submit the patch without --onto.`;
    throw new LockstepError('invalid-input', 'nothing-to-build-onto', message, { cluster: log.cluster, seq });
  }
  const patches = stack.map(({ body }) => body.artifact);
  await insistDiffsKnown(db, patches);
  return { kernelBuild: log.kernelBuild, patches: patches.map(({ patch }) => patch) };
}

type Needs = LogChooser | BuildQueuer | 'events';

async function wishesOf(services: Uses<Needs>, request: SubmitPatchRequest, patch: PatchId): Promise<BuildWish[]> {
  const { onto, kernelBuildIds, reproduce } = request;
  if (onto === undefined) {
    const kernels = await chosenKernels(services.db, kernelBuildIds);
    return kernels.map((kernelBuild) => ({ patch, kernelBuild, onto: [], reproduce }));
  }
  const { kernelBuild, patches } = await readOnto(services, onto);
  if (kernelBuildIds.some((id) => id !== kernelBuild)) {
    const message = `The stack to build onto is of kernel build ${kernelBuild}: a build for another one cannot go over it.`;
    throw new LockstepError('invalid-input', 'other-kernel-build', message, { kernelBuild });
  }
  if (patches.includes(patch)) {
    const message = 'The patch is in that stack itself: there is nothing of it left to build onto it.';
    throw new LockstepError('refused', 'already-in-stack', message, { patch });
  }
  return [{ patch, kernelBuild, onto: patches, reproduce }];
}

/** Keeps the patch, then its builds: each step finds the one before done when it is repeated. */
export async function submitPatch(services: Uses<Needs>, request: SubmitPatchRequest): Promise<SubmitPatchResponse> {
  checkRequest(request);
  refuseUnaskedBuildChanges(request);
  const { db } = services;
  const { diff, description, author, cves, allowedTypeChanges, fuzz, mayChangeBuild } = request;
  const name = parseNewPatchName(request.name);
  const id = patchIdOf(request);
  const wishes = await wishesOf(services, request, id);
  const patch = await db.patches.submit({
    ...{ id, name, diff, description, author, cves, allowedTypeChanges, fuzz, mayChangeBuild },
    combines: [],
  });
  await services.events.record([patchSubmitted(patch)]);
  const builds = await queueBuilds(services, wishes, request.priority);
  return { patch: await onePatchToWire(db, patch), builds };
}
