// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { JobContext, KernelCopy } from '@lockstep/io/job-queue';
import {
  findKernelBuild,
  packKernelBuild,
  treeSize,
  usingKernelBuild,
  writeSharedCopy,
} from '@lockstep/io/kernel-builder';
import { keepCopyList, keepParts } from './kernel-copy';

export interface SharePlace {
  readonly cacheDir: string;
  readonly artifacts: ArtifactStore;
}

type ShareContext = Pick<JobContext, 'log' | 'signal'>;

/**
 * Puts a kernel build of this machine into the artifact store, for the workers that lack it. Cut off and done again, it
 * finds the parts that are there.
 * @throws LockstepError `kernel-not-registered`, `kernel-build-changed`, `kernel-pack-failed`
 */
export async function shareKernel(id: KernelBuildId, place: SharePlace, context: ShareContext): Promise<KernelCopy> {
  return usingKernelBuild(place.cacheDir, id, () => packAndKeep(id, place, context), context.signal);
}

async function packAndKeep(
  id: KernelBuildId,
  { cacheDir, artifacts }: SharePlace,
  { log, signal }: ShareContext,
): Promise<KernelCopy> {
  const kernel = await findKernelBuild(cacheDir, id);
  const begun = performance.now();
  const treeBytes = await treeSize(kernel.treeDir, signal);
  const parts = await keepParts(artifacts, packKernelBuild(kernel, signal));
  const copy = await keepCopyList(artifacts, { kernelBuild: id, compiler: kernel.compiler, treeBytes, parts });
  await writeSharedCopy(cacheDir, id, { sha256: copy.sha256, treeBytes });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  log(
    `shared kernel build ${id}: ${Math.round(copy.sizeBytes / 1e6)} of ${Math.round(treeBytes / 1e6)} MB in ${seconds} s`,
  );
  return copy;
}
