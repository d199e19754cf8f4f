// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { recordsTypes, withTypesAsBefore, type FileContents } from '@lockstep/domain/source-patch';
import type { KernelBuild } from '../builds/registered-kernel';
import { StagedTree } from '../builds/staged-tree';
import { compileTypes, type CompileJob } from '../objects/compile-object';
import type { ReadPatch } from './read-patch';

/** `running`: without any patch; `below`: with those that the patch is built onto; `patched`: with all. */
export type Version = 'running' | 'below' | 'patched';

export interface DebugBuildsOptions {
  readonly kernel: KernelBuild;
  readonly patch: ReadPatch;
  readonly signal?: AbortSignal | undefined;
}

/** Objects with debug information, for what the compiler knows and code does not show; each made when it is asked for. */
export class DebugBuilds implements AsyncDisposable {
  private readonly trees = new Map<Version, Promise<StagedTree>>();
  private readonly objects = new Map<string, Promise<Buffer>>();

  /** @param patched a copy of the tree with the patch, which somebody else gives back */
  constructor(
    private readonly options: DebugBuildsOptions,
    private readonly patched: StagedTree,
  ) {}

  /** @param bytes what the job's own command made of that version */
  of(job: CompileJob, version: Version, bytes: Buffer): Promise<Buffer> {
    if (recordsTypes(job.saved)) return Promise.resolve(bytes);
    const { base } = this.options.patch;
    // Without patches below there is one unpatched version.
    const wanted = version === 'running' && base.size === 0 ? 'below' : version;
    const key = `${wanted} ${job.indexed.path}`;
    const known = this.objects.get(key) ?? this.compile(job, wanted);
    this.objects.set(key, known);
    return known;
  }

  private async compile(job: CompileJob, version: Version): Promise<Buffer> {
    const { kernel, patch, signal } = this.options;
    if (version === 'patched') return compileTypes(job, kernel, undefined, this.patched.dir, signal);
    const tree = this.trees.get(version) ?? this.lease(version);
    this.trees.set(version, tree);
    const below: FileContents = version === 'below' ? patch.base : new Map();
    return compileTypes(job, kernel, below, (await tree).dir, signal);
  }

  private async lease(version: Version): Promise<StagedTree> {
    const { kernel, patch, signal } = this.options;
    const tree = await StagedTree.leaseFurther(kernel.dir, kernel.treeDir, signal);
    if (version === 'below' && patch.base.size > 0) await tree.change(patch.base);
    return tree;
  }

  /** As the patched version, of sources in which types (`held`) are defined as they were; undefined where that is no C. */
  async withTypesAsBefore(job: CompileJob, types: ReadonlySet<string>): Promise<Buffer | undefined> {
    const { kernel, patch, signal } = this.options;
    const { originals, base, changed } = patch;
    const sources = new Map(changed);
    for (const [path, text] of changed) {
      const before = base.get(path) ?? originals.get(path) ?? '';
      sources.set(path, text === null ? null : (withTypesAsBefore(before, text, types) ?? text));
    }
    await using tree = await StagedTree.leaseFurther(kernel.dir, kernel.treeDir, signal);
    await tree.change(sources);
    try {
      return await compileTypes(job, kernel, undefined, tree.dir, signal);
    } catch (error) {
      if (error instanceof LockstepError && error.reason === 'compile-failed') return undefined;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tree of this.trees.values()) await (await tree)[Symbol.asyncDispose]();
  }
}
