// SPDX-License-Identifier: GPL-2.0-only
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { Job, JobContext, JobHandler, JobOutcome, JobResult } from '@lockstep/io/job-queue';
import { registerKernelBuild, registerStockKernel } from '@lockstep/io/kernel-builder';
import { buildAgain, buildPart, buildPatch, insistOtherPlace } from './build-patch';
import type { OpenKernels } from './open-kernels';
import type { WorkerSigner } from './read-signers';
import { shareKernel } from './share-kernel';

export interface WorkPlace {
  /** See `workPlaceId`. */
  readonly id: string;
  readonly cacheDir: string;
  readonly kernels: OpenKernels;
  readonly artifacts: ArtifactStore;
  /** Compilers at once; undefined: as many as processors. */
  readonly compilers: number | undefined;
  /** With the keys that this worker was given. */
  readonly signer: WorkerSigner;
}

async function registerKernel(
  { path, stock }: Extract<Job, { kind: 'register-kernel' }>,
  { cacheDir, kernels }: WorkPlace,
  context: JobContext,
): Promise<JobResult> {
  const { onProgress, signal } = context;
  const { id, release, compiler, configSha256 } =
    stock === null
      ? await registerKernelBuild({ path, cacheDir, onProgress, signal })
      : await registerStockKernel({ ...stock, from: path === '' ? undefined : path, cacheDir, onProgress, signal });
  kernels.forget(id);
  return { kind: 'register-kernel', id, release, compiler, configSha256: parseSha256(configSha256) };
}

/** One job from its description to its result; repeating it after a kill finds or makes the same. */
export function jobHandler(place: WorkPlace): JobHandler {
  const { id, kernels, artifacts, compilers, signer } = place;
  return async (job: Job, context: JobContext): Promise<JobOutcome> => {
    switch (job.kind) {
      case 'register-kernel':
        return registerKernel(job, place, context);
      case 'build':
        return kernels.use(job, context, (kernel) =>
          buildPatch(job, { id, kernel, artifacts, compilers, signer }, context),
        );
      case 'build-again':
        insistOtherPlace(job, id);
        return kernels.use(job, context, (kernel) =>
          buildAgain(job, { id, kernel, artifacts, compilers, signer }, context),
        );
      case 'build-part':
        return kernels.use(job, context, (kernel) =>
          buildPart(job, { id, kernel, artifacts, compilers, signer }, context),
        );
      case 'share-kernel':
        return { kind: job.kind, copy: await shareKernel(job.kernelBuild, place, context) };
    }
  };
}
