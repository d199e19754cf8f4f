// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import { statSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { namesInSharedSections } from '@lockstep/domain/object-diff';
import {
  compileStepOf,
  objtoolStep,
  parseCmdFile,
  unreachedFunctions,
  withNamesKept,
  withTypeRecord,
  type FileContents,
  type IndexedObject,
  type SavedCommand,
} from '@lockstep/domain/source-patch';
import { isMissing } from '../processes/errno';
import { buildError } from '../processes/failure';
import { savedCommandOf } from './saved-command';
import { generatedFiles } from '../builds/generated-files';
import type { KernelBuild } from '../builds/registered-kernel';
import { makeInTree } from './run-in-tree';
import { sameButDebugInformation } from './same-code';
import { writeFileAtomically } from '../processes/stage';

/** One compile command of the registered build, ready to be run again in a copy of its tree. */
export interface CompileJob {
  readonly indexed: IndexedObject;
  readonly saved: SavedCommand;
  /** What compiles it, up to objtool. */
  readonly compile: string;
  /** `; ./tools/objtool/objtool …` where the saved command lacks it. */
  readonly objtool: string;
  readonly command: string;
  /** Names that share a section: references to them are kept by name. */
  readonly names: readonly string[];
}

/** C code that vmlinux or a module consists of: what a livepatch can change. The rest must come out the same. */
export function isPatchable({ object, source }: IndexedObject): boolean {
  return object !== null && source.endsWith('.c');
}

/** Of what is compiled and no livepatch can change. */
export function whyUnpatchable({ path, object }: IndexedObject): string {
  const inKernel = object === null ? 'not part of vmlinux or a module' : 'assembly';
  const what = path.endsWith('.lds') ? 'a linker script, by which the kernel is laid out' : inKernel;
  return `the diff changes it, and it is ${what}: it needs a new kernel build`;
}

/** @throws LockstepError `kernel-build-changed` where the build's command is gone, `unsupported-change` */
export async function prepareJob(
  kernel: Pick<KernelBuild, 'treeDir' | 'enabledOptions' | 'delayedObjtool' | 'stock'>,
  indexed: IndexedObject,
): Promise<CompileJob> {
  const cmdFile = join(kernel.treeDir, savedCommandOf(indexed.path));
  const saved = parseCmdFile(await readFile(cmdFile, 'latin1').catch(() => ''));
  if (saved === undefined) throw buildError({ kind: 'kernel-build-changed', dir: kernel.treeDir, file: cmdFile });
  const { command } = saved;
  if (!isPatchable(indexed))
    return { indexed, saved, compile: compileStepOf(command), objtool: '', command, names: [] };
  const built = await readFile(join(kernel.treeDir, indexed.path)).catch((error: unknown) => {
    // An object of a stock kernel that is only to be preprocessed yet.
    if (kernel.stock !== undefined && isMissing(error)) return undefined;
    throw error;
  });
  if (built === undefined) return jobWith({ indexed, saved, objtool: '' }, []);
  const objtool = objtoolStep(saved, kernel, {
    isModule: indexed.object !== 'vmlinux',
    hasOrcData: built.includes('.orc_unwind\0'),
  });
  return jobWith({ indexed, saved, objtool }, namesInSharedSections(built, indexed.path));
}

function jobWith(
  { indexed, saved, objtool }: Pick<CompileJob, 'indexed' | 'saved' | 'objtool'>,
  names: readonly string[],
): CompileJob {
  const list = `${saved.target}.${createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16)}`;
  const compile = compileStepOf(withNamesKept(saved, [], list));
  return { indexed, saved, objtool, compile, names, command: withNamesKept(saved, names, list) + objtool };
}

/**
 * The cache would answer for sources that are no longer there.
 * @throws LockstepError `kernel-build-changed`
 */
export function refuseNewerSources(kernel: KernelBuild, jobs: readonly CompileJob[]): void {
  const files = new Set(jobs.flatMap(({ saved }) => [saved.source ?? '', ...saved.dependencies]));
  if (kernel.stock !== undefined) for (const file of generatedFiles(kernel.dir)) files.delete(file);
  for (const file of files) {
    if (file === '' || file.startsWith('/')) continue;
    // Synchronous: for the thousand headers of one object, several times faster than through the thread pool.
    const found = statSync(join(kernel.treeDir, file), { throwIfNoEntry: false });
    if (found !== undefined && found.mtimeMs <= kernel.registeredAtMs) continue;
    throw buildError({ kind: 'kernel-build-changed', dir: kernel.treeDir, file });
  }
}

/**
 * What changed between the build and its registration is in no kernel that runs. make goes by times, and a copy of a
 * tree may have lost them: where a source is newer than its object, the object is made once more as kbuild made it.
 * @throws LockstepError `kernel-build-changed`
 */
async function insistBuiltFrom(job: CompileJob, kernel: KernelBuild, dir: string, signal?: AbortSignal): Promise<void> {
  const { indexed, saved, objtool } = job;
  const newer = newerThanObject(job, kernel.treeDir);
  if (newer === undefined) return;
  const again = await runJob({ ...job, command: saved.command + objtool }, 'original', dir, signal);
  const built = await readFile(join(kernel.treeDir, indexed.path));
  if (await sameButDebugInformation(built, again)) return;
  throw buildError({ kind: 'kernel-build-changed', dir: kernel.treeDir, file: newer });
}

function newerThanObject({ indexed, saved }: CompileJob, treeDir: string): string | undefined {
  const timeOf = (file: string): number => statSync(join(treeDir, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const builtAtMs = timeOf(indexed.path);
  const sources = [saved.source ?? '', ...saved.dependencies].filter((file) => file !== '' && !file.startsWith('/'));
  return sources.find((file) => timeOf(file) > builtAtMs);
}

/** Where what is made of a job is kept: by the command that makes it, for on a registered build its inputs never change. */
function keptFile(job: CompileJob, kernel: KernelBuild, base: FileContents, suffix: string): string {
  const key = createHash('sha256').update(job.command);
  if (base.size > 0) key.update(`\n${JSON.stringify([...base].sort(([a], [b]) => (a < b ? -1 : 1)))}`);
  return join(kernel.dir, 'originals', `${key.digest('hex')}${suffix}`);
}

const unchanged: FileContents = new Map();

/** Tells whoever measures, for each original that is asked for, whether it was `kept` or is to be `compiled`. */
export const originalsChannel = channel('lockstep:originals');

/**
 * The object without the patch, out of the cache or compiled in `dir`, a copy of the unpatched tree.
 * @throws LockstepError `kernel-build-changed` where a source that it is made of changed after the build
 */
export async function compileOriginal(
  job: CompileJob,
  kernel: KernelBuild,
  dir: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  return compileBelow(job, unchanged, kernel, dir, signal);
}

/** The object with the patches below, kept by their content; `dir` is a copy of the tree that has them. */
export async function compileBelow(
  job: CompileJob,
  base: FileContents,
  kernel: KernelBuild,
  dir: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const file = keptFile(job, kernel, base, '.o');
  const kept = await readFile(file).catch(() => undefined);
  originalsChannel.publish(kept === undefined ? 'compiled' : 'kept');
  if (kept !== undefined) return kept;
  if (base.size === 0) await insistBuiltFrom(job, kernel, dir, signal);
  const bytes = await compileObject(job, 'original', dir, signal);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, bytes);
  return bytes;
}

/**
 * The object with debug information, for its types alone; that of an unpatched tree is kept.
 * @param below of an unpatched tree: the patches below that are in it; undefined for a patched tree
 */
export async function compileTypes(
  job: CompileJob,
  kernel: KernelBuild,
  below: FileContents | undefined,
  dir: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const saved = withTypeRecord(job.saved);
  const recorded: CompileJob = { ...job, saved, command: saved.command };
  if (below === undefined) return runJob(recorded, 'patched', dir, signal);
  const file = keptFile(recorded, kernel, below, '.types');
  const kept = await readFile(file).catch(() => undefined);
  if (kept !== undefined) return kept;
  const bytes = await runJob(recorded, 'original', dir, signal);
  await mkdir(dirname(file), { recursive: true });
  await writeFileAtomically(file, bytes);
  return bytes;
}

/**
 * A job's source as the compiler sees it (latin1), without line numbers but those that it names; undefined where it is no C, or
 * where the preprocessor fails: the compiler will say why.
 */
export async function preprocessObject(
  job: CompileJob,
  dir: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const { target } = job.saved;
  const { compile } = job;
  const output = [' -c', ' -S'].map((mode) => `${mode} -o ${target} `).find((part) => compile.includes(part));
  if (!job.indexed.source.endsWith('.c') || output === undefined) return undefined;
  const command = compile.replace(output, ` -E -P -o ${target}.i `).replace(/ -Wp,-M\S+/, '');
  const what = `the preprocessor of ${job.indexed.path}`;
  return (await makeInTree(`${target}.i`, { dir, command, what, signal })).bytes?.toString('latin1');
}

/**
 * Tells of inline functions whether nothing in a job's unchanged source calls them; what it knows is kept. `dir` is a copy of the
 * unpatched tree.
 */
export async function unreachedNamesIn(
  job: CompileJob,
  kernel: KernelBuild,
  dir: string,
  signal?: AbortSignal,
): Promise<(name: string) => boolean> {
  // By what the preprocessor is told: the rest of the command is known once the object was compiled.
  const file = keptFile({ ...job, command: job.compile }, kernel, unchanged, '.unreached');
  const kept = (await readFile(file, 'latin1').catch(() => undefined)) ?? (await keepUnreached(file));
  // Thousands of names for each of hundreds of objects, of which few are asked for: looked for in the text.
  const lines = `\n${kept}\n`;
  return (name) => lines.includes(`\n${name}\n`);

  async function keepUnreached(path: string): Promise<string> {
    const text = await preprocessObject(job, dir, signal);
    const names = (text === undefined ? [] : unreachedFunctions(text)).join('\n');
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, names);
    return names;
  }
}

/**
 * Runs one command of the build again in `dir`, a copy of the tree; again where what a patch adds shares a section.
 * @throws LockstepError `compile-failed` with the compiler's message
 */
export async function compileObject(
  job: CompileJob,
  version: 'original' | 'patched',
  dir: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const bytes = await runJob(job, version, dir, signal);
  if (!isPatchable(job.indexed) || !job.saved.target.endsWith('.o')) return bytes;
  const names = new Set([...job.names, ...namesInSharedSections(bytes, job.indexed.path)]);
  return names.size === job.names.length ? bytes : runJob(jobWith(job, [...names].sort()), version, dir, signal);
}

/** One run of a job's command, whatever it makes. */
export async function runJob(
  job: CompileJob,
  version: 'original' | 'patched',
  dir: string,
  signal?: AbortSignal,
): Promise<Buffer> {
  const { path: objectPath } = job.indexed;
  const what = `the compiler of ${objectPath} (${version})`;
  const { bytes, output } = await makeInTree(job.saved.target, { dir, command: job.command, what, signal });
  if (bytes !== undefined) return bytes;
  throw buildError({ kind: 'compile-failed', objectPath, version, message: output.trim() });
}
