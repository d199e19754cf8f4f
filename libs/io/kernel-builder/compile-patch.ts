// SPDX-License-Identifier: GPL-2.0-only
import { availableParallelism } from 'node:os';
import { mapAtOnce } from './at-once';
import {
  compileObject,
  compileOriginal,
  isPatchable,
  prepareJob,
  refuseNewerSources,
  type CompileJob,
} from './compile-object';
import { buildError } from './failure';
import { readPatch } from './read-patch';
import type { KernelBuild } from './registered-kernel';
import { StagedTree } from './staged-tree';
import type { OnProgress } from './stage';

export interface CompilePatchOptions {
  kernel: KernelBuild;
  /** A unified diff, `-p1`; text is taken as UTF-8. */
  diff: string | Uint8Array;
  /** Only these of the objects that it reaches, for a builder that shares the work; all if undefined. */
  objectPaths?: readonly string[] | undefined;
  /** Compilers at once; as many as processors if undefined. */
  compilers?: number | undefined;
  onProgress?: OnProgress | undefined;
  signal?: AbortSignal | undefined;
}

/** One object that a diff changes, compiled without and with it. */
export interface ObjectPair {
  objectPath: string;
  /** `vmlinux` or the module's name. */
  object: string;
  original: Uint8Array;
  patched: Uint8Array;
}

/**
 * Compiles what a diff touches, original and patched, by replaying the kernel build's own commands; no make, and
 * nothing else of the kernel is built. Originals are kept in the cache. Each object that comes out different is given
 * to `work` while the compilers go on with the next.
 * @returns what `work` made of them, in path order
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `changes-no-object`, `unsupported-change`,
 *   `compile-failed`, `kernel-build-changed`, `compiler-differs`
 */
export async function compilePatch<Result>(
  options: CompilePatchOptions,
  work: (pair: ObjectPair) => Promise<Result>,
): Promise<Result[]> {
  const { kernel, signal, objectPaths, compilers = availableParallelism() } = options;
  const { changed, files, objects, gates } = await readPatch(kernel, options.diff);
  const wanted = objectPaths === undefined ? [...gates, ...objects] : choose(objects, objectPaths);
  const jobs = await mapAtOnce(wanted, compilers, async (object) => prepareJob(kernel, object));
  refuseNewerSources(kernel, jobs);
  const count = counter(jobs.length * 2, options.onProgress);
  await using staged = await StagedTree.lease(kernel.dir, kernel.treeDir, signal);
  const originals = await mapAtOnce(jobs, compilers, async (job) =>
    count(await compileOriginal(job, kernel, staged.dir, signal)),
  );
  await staged.change(changed);
  const results = await mapAtOnce([...jobs.entries()], compilers, async ([index, job]) => {
    const patched = count(await compileObject(job, 'patched', staged.dir, signal));
    const pair = pairOf(job, originals[index] ?? Buffer.alloc(0), patched);
    return pair === undefined ? [] : [await work(pair)];
  });
  const changedObjects = results.flat();
  if (changedObjects.length === 0 && objectPaths === undefined) {
    throw buildError({ kind: 'changes-no-object', files: [...files], compiledObjects: jobs.length });
  }
  return changedObjects;
}

function choose<Named extends { path: string }>(objects: readonly Named[], paths: readonly string[]): Named[] {
  const wanted = new Set(paths);
  return objects.filter(({ path }) => wanted.has(path));
}

function counter(total: number, onProgress?: OnProgress): <T>(value: T) => T {
  let done = 0;
  return (value) => {
    done += 1;
    onProgress?.({ stage: 'compile objects', done, total });
    return value;
  };
}

/** What is linked into nothing a livepatch can name (vdso, boot code, generated headers, assembly) must come out the same. */
function pairOf({ indexed }: CompileJob, original: Buffer, patched: Buffer): ObjectPair | undefined {
  const { path, object } = indexed;
  if (comesOutTheSame(path, original, patched)) return undefined;
  if (object !== null && isPatchable(indexed)) return { objectPath: path, object, original, patched };
  const reason = `the diff changes it, and it is ${object === null ? 'not part of vmlinux or a module' : 'assembly'}: it needs a new kernel build`;
  throw buildError({ kind: 'unsupported-change', file: path, reason });
}

/** Generated headers are made from marked lines of an assembly listing; the rest of it is comments with line numbers. */
function comesOutTheSame(path: string, original: Buffer, patched: Buffer): boolean {
  if (!path.endsWith('.s')) return original.equals(patched);
  const marked = (listing: Buffer): string[] => listing.toString('latin1').match(/^\s*\.ascii "->.*$/gm) ?? [];
  return marked(original).join('\n') === marked(patched).join('\n');
}
