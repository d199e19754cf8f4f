// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import { openKernelBuild, type KernelBuild } from '@lockstep/io/kernel-builder';

/** A kernel build's facts take about 100 MB of memory; a cluster has few kernels at a time. */
const keptAtMost = 4;

/** Registered kernel builds, kept open between jobs: reading one takes longer than a small patch build. */
export class OpenKernels {
  private readonly kept = new Map<KernelBuildId, Promise<KernelBuild>>();

  constructor(private readonly cacheDir: string) {}

  /** @throws LockstepError `kernel-not-registered` */
  open(id: KernelBuildId): Promise<KernelBuild> {
    const opened = this.kept.get(id) ?? openKernelBuild(this.cacheDir, id);
    // Last used, last dropped.
    this.kept.delete(id);
    this.kept.set(id, opened);
    opened.catch(() => this.kept.delete(id));
    const [oldest] = this.kept.keys();
    if (this.kept.size > keptAtMost && oldest !== undefined) this.kept.delete(oldest);
    return opened;
  }

  /** After a kernel was registered again: the next job reads it anew. */
  forget(id: KernelBuildId): void {
    this.kept.delete(id);
  }
}
