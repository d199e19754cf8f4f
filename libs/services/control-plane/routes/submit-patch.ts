// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import type { SubmitPatchRequest, SubmitPatchResponse } from '@lockstep/contracts/generated';
import {
  LockstepError,
  parseKernelBuildId,
  parsePatchId,
  parsePatchName,
  type KernelBuildId,
  type PatchId,
} from '@lockstep/domain/livepatch-model';
import type { BuildRecord } from '@lockstep/io/database';
import type { Services } from '../services';
import { buildToWire, patchToWire } from '../views/build-view';
import { buildJobId } from '../jobs/work-tracker';

/** Fits into one message and one job with room to spare; a livepatch of this size would be no livepatch. */
const maxDiffBytes = 8 * 1024 * 1024;

/** Names the content: every field, its boundaries kept, and nothing that changes when it is submitted again. */
function patchIdOf({ name, diff, description, author, cves }: SubmitPatchRequest): PatchId {
  const metadata = JSON.stringify([name, description, author, cves]);
  return parsePatchId(createHash('sha256').update(`lockstep patch 1\n${metadata}\n`).update(diff).digest('hex'));
}

function checkRequest({ diff, cves }: SubmitPatchRequest): void {
  if (diff.length === 0) {
    throw new LockstepError('invalid-input', 'empty-diff', 'The diff is empty: a patch changes something.');
  }
  if (diff.length > maxDiffBytes) {
    const message = `The diff has ${diff.length} bytes; at most ${maxDiffBytes} are taken.`;
    throw new LockstepError('invalid-input', 'diff-too-large', message, { sizeBytes: diff.length });
  }
  const bad = cves.find((cve) => !/^CVE-\d{4}-\d{4,}$/.test(cve));
  if (bad === undefined) return;
  throw new LockstepError('invalid-input', 'invalid-cve', `"${bad}" is not a CVE: use CVE-YEAR-NUMBER.`, { cve: bad });
}

async function chosenKernels({ db }: Services, ids: readonly string[]): Promise<KernelBuildId[]> {
  if (ids.length > 0) {
    const kernels = await Promise.all([...new Set(ids)].map((id) => db.kernelBuilds.require(parseKernelBuildId(id))));
    return kernels.map(({ id }) => id);
  }
  const all = (await db.kernelBuilds.list()).map(({ id }) => id);
  if (all.length > 0) return all;
  throw new LockstepError(
    'refused',
    'no-kernel-build',
    'There is no kernel build to build the patch for: register one with `lockstep kernel add`.',
  );
}

/** A build whose file is gone or damaged is as good as none: asking for it again builds it again. */
async function replaceLost({ db, artifacts }: Services, build: BuildRecord): Promise<BuildRecord> {
  if (build.artifact === null) return build;
  try {
    await artifacts.verify(build.artifact);
    return build;
  } catch (error) {
    const isLost = error instanceof LockstepError && ['artifact-missing', 'artifact-damaged'].includes(error.reason);
    if (!isLost) throw error;
    return db.builds.rebuild(build);
  }
}

/** Keeps the patch, then the builds, then asks the queue: each step finds the one before done when it is repeated. */
export async function submitPatch(services: Services, request: SubmitPatchRequest): Promise<SubmitPatchResponse> {
  checkRequest(request);
  const { db, work } = services;
  const kernels = await chosenKernels(services, request.kernelBuildIds);
  const { diff, description, author, cves } = request;
  const name = parsePatchName(request.name);
  const patch = await db.patches.submit({ id: patchIdOf(request), name, diff, description, author, cves });
  const queued = await db.builds.queue(patch.id, kernels);
  const builds = await Promise.all(queued.map((build) => replaceLost(services, build)));
  for (const build of builds) if (build.endedAt === null) void work.look(buildJobId(build));
  return { patch: patchToWire(patch), builds: builds.map(buildToWire) };
}
