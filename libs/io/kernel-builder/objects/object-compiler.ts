// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  recordsTypes,
  regionsLike,
  regionsOf,
  withLineNumbers,
  type IndexedObject,
} from '@lockstep/domain/source-patch';
import { hasNamesakes, withStaticsAligned } from './align-statics';
import { compileObject, compileOriginal, compileTypes, isPatchable, prepareJob, runJob } from './compile-object';
import type { KernelBuild } from '../builds/registered-kernel';
import { StagedTree } from '../builds/staged-tree';

/**
 * Compiles single objects of a registered kernel build as patch builds do, as they are and with changed sources, in a
 * staged tree that it holds until it is disposed of.
 */
export class ObjectCompiler implements AsyncDisposable {
  private constructor(
    private readonly kernel: KernelBuild,
    private readonly staged: StagedTree,
  ) {}

  static async lease(kernel: KernelBuild, signal?: AbortSignal): Promise<ObjectCompiler> {
    return new ObjectCompiler(kernel, await StagedTree.lease(kernel.dir, kernel.treeDir, signal));
  }

  /** Objects of the kernel build that are compiled from C into vmlinux or a module. */
  static objectsOf(kernel: KernelBuild): IndexedObject[] {
    return kernel.index.objects.filter(isPatchable);
  }

  /** The original object, from the cache if it is there. */
  async original(object: IndexedObject, signal?: AbortSignal): Promise<Uint8Array> {
    return compileOriginal(await prepareJob(this.kernel, object), this.kernel, this.staged.dir, signal);
  }

  /**
   * The original as the patched version of itself: with its static variables told apart by whose they are, and the names of
   * which that is proven.
   */
  async againstItself(
    object: IndexedObject,
    signal?: AbortSignal,
  ): Promise<{ readonly bytes: Buffer; readonly proven: ReadonlySet<string> }> {
    const job = await prepareJob(this.kernel, object);
    const bytes = await compileOriginal(job, this.kernel, this.staged.dir, signal);
    if (!hasNamesakes([bytes], object.path)) return { bytes, proven: new Set() };
    const types = recordsTypes(job.saved)
      ? bytes
      : await compileTypes(job, this.kernel, new Map(), this.staged.dir, signal);
    const recorded = { bytes, record: async () => Promise.resolve(types) };
    const { later, proven } = await withStaticsAligned(recorded, [recorded], object.path);
    return { bytes: later[0] ?? bytes, proven };
  }

  /**
   * The object with other contents of some files (latin1, by path below the tree's root).
   * @throws LockstepError `compile-failed`
   */
  async patched(object: IndexedObject, files: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<Uint8Array> {
    const job = await prepareJob(this.kernel, object);
    await this.staged.change(await this.keepLineNumbers(files));
    try {
      return await compileObject(job, 'patched', this.staged.dir, signal);
    } finally {
      await this.staged.restore();
    }
  }

  /** What the compiler makes of it before the assembler, with other contents of some files: for checks by another way. */
  async assembly(object: IndexedObject, files: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<string> {
    const job = await prepareJob(this.kernel, object);
    const command = job.compile.replace(` -c -o ${job.saved.target} `, ` -S -o ${job.saved.target} `);
    await this.staged.change(await this.keepLineNumbers(files));
    try {
      return (await runJob({ ...job, command }, 'patched', this.staged.dir, signal)).toString('latin1');
    } finally {
      await this.staged.restore();
    }
  }

  private async keepLineNumbers(files: ReadonlyMap<string, string>): Promise<Map<string, string>> {
    const kept = new Map<string, string>();
    for (const [path, text] of files) {
      const original = await readFile(join(this.kernel.treeDir, path), 'latin1');
      kept.set(path, withLineNumbers(regionsLike(regionsOf(original), text)));
    }
    return kept;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.staged[Symbol.asyncDispose]();
  }
}
