// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type KernelBuildId, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import { lacksKernelReason, type JobContext } from '@lockstep/io/job-queue';
import { requireCompiler, unpackKernelBuild } from '@lockstep/io/kernel-builder';
import type { KernelCache } from './kernel-cache';
import { readCopyList, readParts } from './kernel-copy';

export interface FetchPlace {
  readonly cacheDir: string;
  readonly artifacts: ArtifactStore;
  readonly cache: KernelCache;
}

export type FetchContext = Pick<JobContext, 'onProgress' | 'log' | 'signal'>;

/** The job is another worker's, then. */
const lacks = (id: KernelBuildId, why: string, cause?: unknown): LockstepError => {
  const message = `kernel build ${id} is not registered there, and ${why}`;
  return new LockstepError('unavailable', lacksKernelReason, message, { kernelBuild: id }, { cause });
};

async function fetchCopy(id: KernelBuildId, copy: Sha256, place: FetchPlace, context: FetchContext): Promise<void> {
  const { cacheDir, artifacts, cache } = place;
  const { onProgress, log, signal } = context;
  const begun = performance.now();
  const list = await readCopyList(artifacts, copy, id);
  const { compiler, treeBytes, parts } = list;
  await requireCompiler(compiler);
  await cache.makeRoom(treeBytes);
  const tell = (done: number): void => {
    onProgress({ stage: 'fetch the kernel build', done, total: parts.length });
  };
  const content = () => readParts(artifacts, list, tell);
  await unpackKernelBuild({ cacheDir, id, content, copy: { sha256: copy, treeBytes }, signal });
  const megabytes = Math.round(parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1e6);
  log(`fetched kernel build ${id}: ${megabytes} MB in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
}

/**
 * Brings a kernel build that others have registered to this machine.
 * @throws LockstepError `lacksKernelReason`, saying why it cannot be had here
 */
export async function fetchKernel(
  id: KernelBuildId,
  copy: Sha256 | undefined,
  place: FetchPlace,
  context: FetchContext,
): Promise<void> {
  if (copy === undefined) throw lacks(id, 'the artifact store had no copy of it when the job was queued');
  try {
    await fetchCopy(id, copy, place, context);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof LockstepError)) throw error;
    throw lacks(id, `it cannot be fetched: ${error.message}`, error);
  }
}
