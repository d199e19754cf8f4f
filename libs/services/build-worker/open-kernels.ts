// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { BuildWork } from '@lockstep/io/job-queue';
import { isRegistered, openKernelBuild, usingKernelBuild, type KernelBuild } from '@lockstep/io/kernel-builder';
import { fetchKernel, type FetchContext, type FetchPlace } from './fetch-kernel';

/** A kernel build's facts take about 100 MB of memory; a cluster has few kernels at a time. */
const keptAtMost = 4;

/** Registered kernel builds, kept open between jobs: reading one takes longer than a small patch build. */
export class OpenKernels {
  private readonly kept = new Map<KernelBuildId, Promise<KernelBuild>>();

  constructor(private readonly place: FetchPlace) {}

  /**
   * Works on the job's kernel build, which stays on this machine until the work has ended. One that is not there is
   * fetched before.
   * @throws LockstepError `kernel-not-registered`, saying why it cannot be had here
   */
  async use<T>(job: BuildWork, context: FetchContext, work: (kernel: KernelBuild) => Promise<T>): Promise<T> {
    const { kernelBuild: id, kernelCopy } = job;
    const { cacheDir } = this.place;
    const fetchAndWork = async (): Promise<T> => {
      if (!(await isRegistered(cacheDir, id))) {
        this.forget(id);
        await fetchKernel(id, kernelCopy, this.place, context);
      }
      return work(await this.open(id));
    };
    return usingKernelBuild(cacheDir, id, fetchAndWork, context.signal);
  }

  /** After a kernel was registered again: the next job reads it anew. */
  forget(id: KernelBuildId): void {
    this.kept.delete(id);
  }

  private open(id: KernelBuildId): Promise<KernelBuild> {
    const opened = this.kept.get(id) ?? openKernelBuild(this.place.cacheDir, id);
    // Last used, last dropped.
    this.kept.delete(id);
    this.kept.set(id, opened);
    opened.catch(() => this.kept.delete(id));
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptAtMost && oldest !== undefined) this.kept.delete(oldest);
    return opened;
  }
}
