// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { applyFileDiff } from './apply-diff';
import { filesThatMatter } from './change-classes';
import { parseCmdFile, type SavedCommand } from './cmd-file';
import { objectsThatRead, type IndexedObject } from './dependency-index';
import { isMissing } from './errno';
import { buildError } from './failure';
import type { KernelBuild } from './registered-kernel';
import { objtoolStep, withSectionFlags } from './replay';
import { runCommand } from './run-command';
import { StagedTree } from './staged-tree';
import { writeFileAtomically, type OnProgress } from './stage';
import { parseUnifiedDiff, type FileDiff } from './unified-diff';

export interface CompilePatchOptions {
  kernel: KernelBuild;
  /** A unified diff, `-p1`; text is taken as UTF-8. */
  diff: string | Uint8Array;
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

/** Longer than any kernel file takes on a slow machine: an endless include or expansion must end. */
const compileTimeLimitMs = 300_000;

/**
 * Compiles what a diff touches, original and patched, by replaying the kernel build's own commands; no make, and
 * nothing else of the kernel is built. Originals are kept in the cache. Objects that come out the same are left out.
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `changes-no-object`, `unsupported-change`,
 *   `compile-failed`, `kernel-build-changed`, `compiler-differs`
 */
export async function compilePatch(options: CompilePatchOptions): Promise<{ objects: ObjectPair[] }> {
  const { kernel, signal } = options;
  const diffs = parseUnifiedDiff(Buffer.from(options.diff).toString('latin1'));
  const changed = await applyToTree(diffs, kernel.treeDir);
  const files = filesThatMatter(diffs, kernel.index);
  const affected = objectsThatRead(kernel.index, files);
  if (affected.length === 0)
    throw buildError({ kind: 'changes-no-object', files: [...changed.keys()], compiledObjects: 0 });
  const jobs = await Promise.all(affected.map(async (object) => prepareJob(kernel, object)));
  await refuseNewerSources(kernel, jobs);
  const progress = { done: 0, total: jobs.length * 2 };
  const count = <T>(value: T): T => {
    progress.done += 1;
    options.onProgress?.({ stage: 'compile objects', ...progress });
    return value;
  };
  await using staged = await StagedTree.lease(kernel.dir, kernel.treeDir, signal);
  const originals = await mapAtOnce(jobs, async (job) => count(await compileOriginal(job, kernel, staged, signal)));
  await staged.change(changed);
  const patched = await mapAtOnce(jobs, async (job) => count(await compileJob(job, 'patched', staged, signal)));
  const pairs = jobs.flatMap((job, index) => pairOf(job, originals[index], patched[index]));
  if (pairs.length === 0) throw buildError({ kind: 'changes-no-object', files, compiledObjects: jobs.length });
  return { objects: pairs };
}

/** New contents by path, latin1; null for a deleted file. */
async function applyToTree(diffs: readonly FileDiff[], treeDir: string): Promise<Map<string, string | null>> {
  const changed = new Map<string, string | null>();
  for (const diff of diffs) {
    const path = diff.newPath ?? diff.oldPath ?? '';
    const before = await readFile(join(treeDir, path), 'latin1').catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    changed.set(path, applyFileDiff(before, diff));
  }
  return changed;
}

/** An object with how to make it again. */
export interface CompileJob {
  indexed: IndexedObject;
  saved: SavedCommand;
  command: string;
}

export async function prepareJob(kernel: KernelBuild, indexed: IndexedObject): Promise<CompileJob> {
  const cmdFile = join(kernel.treeDir, dirname(indexed.path), `.${basename(indexed.path)}.cmd`);
  const saved = parseCmdFile(await readFile(cmdFile, 'latin1').catch(() => ''));
  if (saved === undefined) throw buildError({ kind: 'kernel-build-changed', dir: kernel.treeDir, file: cmdFile });
  if (indexed.object === null || !indexed.source.endsWith('.c')) return { indexed, saved, command: saved.command };
  const built = await readFile(join(kernel.treeDir, indexed.path));
  const objtool = objtoolStep(saved, kernel.enabledOptions, indexed.object !== 'vmlinux', built);
  return { indexed, saved, command: withSectionFlags(saved) + objtool };
}

/** The cache would answer for sources that are no longer there. */
async function refuseNewerSources(kernel: KernelBuild, jobs: readonly CompileJob[]): Promise<void> {
  const files = new Set(jobs.flatMap(({ saved }) => [saved.source ?? '', ...saved.dependencies]));
  const inTree = [...files].filter((file) => file !== '' && !file.startsWith('/'));
  await Promise.all(
    inTree.map(async (file) => {
      const found = await stat(join(kernel.treeDir, file)).catch(() => undefined);
      if (found !== undefined && found.mtimeMs <= kernel.registeredAtMs) return;
      throw buildError({ kind: 'kernel-build-changed', dir: kernel.treeDir, file });
    }),
  );
}

/** Originals are kept by the command that made them: on a registered build its inputs never change. */
export async function compileOriginal(
  job: CompileJob,
  kernel: KernelBuild,
  staged: StagedTree,
  signal?: AbortSignal,
): Promise<Buffer> {
  const key = createHash('sha256').update(job.command).digest('hex');
  const file = join(kernel.dir, 'originals', `${key}.o`);
  const kept = await readFile(file).catch(() => undefined);
  if (kept !== undefined) return kept;
  const bytes = await compileJob(job, 'original', staged, signal);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, bytes);
  return bytes;
}

export async function compileJob(
  job: CompileJob,
  version: 'original' | 'patched',
  staged: StagedTree,
  signal?: AbortSignal,
): Promise<Buffer> {
  const output = join(staged.dir, job.saved.target);
  await rm(output, { force: true });
  const limit = AbortSignal.timeout(compileTimeLimitMs);
  const failed = (message: string, cause?: unknown): Error =>
    buildError({ kind: 'compile-failed', objectPath: job.indexed.path, version, message }, { cause });
  const result = await runCommand('sh', ['-e', '-c', job.command], {
    cwd: staged.dir,
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  }).catch((error: unknown) => {
    if (signal?.aborted !== true && limit.aborted)
      throw failed(`no result after ${compileTimeLimitMs / 1000} s`, error);
    throw error;
  });
  if (result.status !== 0) throw failed(result.output.trim());
  const bytes = await readFile(output);
  await rm(output);
  return bytes;
}

/** What is linked into nothing a livepatch can name (vdso, boot code, generated headers, assembly) must come out the same. */
function pairOf(job: CompileJob, original: Buffer | undefined, patched: Buffer | undefined): ObjectPair[] {
  const { path, object, source } = job.indexed;
  if (original === undefined || patched === undefined || comesOutTheSame(path, original, patched)) return [];
  if (object !== null && source.endsWith('.c')) return [{ objectPath: path, object, original, patched }];
  const reason = `the diff changes it, and it is ${object === null ? 'not part of vmlinux or a module' : 'assembly'}: it needs a new kernel build`;
  throw buildError({ kind: 'unsupported-change', file: path, reason });
}

/** Generated headers are made from marked lines of an assembly listing; the rest of it is comments with line numbers. */
function comesOutTheSame(path: string, original: Buffer, patched: Buffer): boolean {
  if (!path.endsWith('.s')) return original.equals(patched);
  const marked = (listing: Buffer): string[] => listing.toString('latin1').match(/^\s*\.ascii "->.*$/gm) ?? [];
  return marked(original).join('\n') === marked(patched).join('\n');
}

/** As many at once as there are processors; the first failure stops the rest from starting. */
export async function mapAtOnce<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  const pending = items.entries();
  let failed = false;
  const worker = async (): Promise<void> => {
    for (const [index, item] of pending) {
      if (failed) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: availableParallelism() }, worker));
  for (const ended of workers) if (ended.status === 'rejected') throw ended.reason;
  return results;
}
