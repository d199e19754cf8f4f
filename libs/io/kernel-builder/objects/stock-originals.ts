// SPDX-License-Identifier: GPL-2.0-only
import { statSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseElf } from '@lockstep/domain/elf';
import { compiledByOther } from '@lockstep/domain/running-kernel';
import { parseCmdFile, type IndexedObject } from '@lockstep/domain/source-patch';
import {
  describeDifference,
  kernelImage,
  likelyReason,
  moduleImage,
  type LinkedImage,
} from '@lockstep/domain/vendor-kernel';
import { FileLock } from '@lockstep/platform/runtime';
import { notingDoubt } from '../builds/doubted-kernel';
import { noteGeneratedFiles } from '../builds/generated-files';
import type { KernelBuild } from '../builds/registered-kernel';
import { buildError, firstErrorLines } from '../processes/failure';
import { forObjectsAlone, runMake } from '../processes/run-make';
import { exists, progressCounter, type OnProgress } from '../processes/stage';
import { readKeptModule, readKeptVmlinux } from '../vendors/vendor-files';
import { isPatchable } from './compile-object';
import { proofFile, Prover, type KernelToProve, type ProvedObject } from './prover';
import { savedCommandOf } from './saved-command';

/** What of a kernel build its originals come from. */
export type OriginalsOf = KernelToProve &
  Pick<KernelBuild, 'registeredAtMs' | 'release' | 'compiler' | 'tools' | 'stock'>;

export interface ProvideOptions {
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has a stock kernel's own build compile the objects that it lacks, and proves each against the vendor's kernel. Nothing
 * is built from an object that is not proved. A kernel that was built in its tree has them all, and proves nothing.
 * @throws LockstepError `original-differs`, `not-in-vendor-kernel`, `make-failed`
 */
export async function provideOriginals(
  kernel: OriginalsOf,
  objects: readonly IndexedObject[],
  options: ProvideOptions = {},
): Promise<ProvedObject[]> {
  if (kernel.stock === undefined || objects.length === 0) return [];
  return notingDoubt(kernel.dir, async () => proveAll(kernel, objects, options));
}

async function proveAll(
  kernel: OriginalsOf,
  objects: readonly IndexedObject[],
  options: ProvideOptions,
): Promise<ProvedObject[]> {
  const proved = await proveOriginals(kernel, objects, options);
  for (const { objectPath, object, proof } of proved) {
    if (proof.differences.length === 0) continue;
    const shown = proof.differences.slice(0, shownDifferences).map((one) => describeDifference(one));
    const more = proof.differences.length - shown.length;
    throw buildError({
      kind: 'original-differs',
      objectPath,
      object,
      differences: more > 0 ? [...shown, `and ${more} more`] : shown,
      likely: (await otherCompilerOf(kernel, objectPath)) ?? likelyReason(proof, kernel.release),
    });
  }
  return proved;
}

/** An object that another compiler made than the vendor's is made again next time: that one may be installed by then. */
async function otherCompilerOf(kernel: OriginalsOf, objectPath: string): Promise<string | undefined> {
  const { dir, treeDir, compiler } = kernel;
  const object = parseElf(await readFile(join(treeDir, objectPath)), objectPath);
  const other = compiledByOther(object, compiler);
  if (other === null) return undefined;
  for (const file of [join(treeDir, objectPath), join(treeDir, savedCommandOf(objectPath)), proofFile(dir, objectPath)])
    await rm(file, { force: true });
  return `It was compiled by ${other}, the vendor's kernel by ${compiler}. Install that very version and try again`;
}

/** Enough to see what is wrong. */
const shownDifferences = 5;

/** The same, answering also what differs; compiled and compared once, then kept. */
export async function proveOriginals(
  kernel: OriginalsOf,
  objects: readonly IndexedObject[],
  { onProgress, signal }: ProvideOptions = {},
): Promise<ProvedObject[]> {
  return FileLock.hold(
    join(kernel.dir, 'originals.lock'),
    async () => {
      await makeObjects(kernel, objects, { onProgress, signal });
      const prover = new Prover(kernel, async (object) => readVendorImage(kernel.treeDir, object));
      const patchable = objects.filter(isPatchable);
      const count = progressCounter("compare with the vendor's kernel", patchable.length, onProgress);
      const proved: ProvedObject[] = [];
      for (const indexed of patchable) {
        signal?.throwIfAborted();
        const { path: objectPath, object } = indexed;
        const one = await prover.prove(indexed);
        if (one === undefined) throw buildError({ kind: 'not-in-vendor-kernel', objectPath, object: object ?? '' });
        proved.push(count(one));
      }
      return proved;
    },
    signal,
  );
}

/** kbuild compiles single objects as it does in the whole build, and saves their commands and what they read. */
async function makeObjects(
  kernel: OriginalsOf,
  objects: readonly IndexedObject[],
  { onProgress, signal }: ProvideOptions,
): Promise<void> {
  const { treeDir, tools } = kernel;
  const missing: string[] = [];
  for (const { path } of objects)
    if (!(await exists(join(treeDir, path))) || !(await exists(join(treeDir, savedCommandOf(path)))))
      missing.push(path);
  if (missing.length === 0) return;
  const count = progressCounter("compile the kernel's own objects", missing.length, onProgress);
  const onLine = (line: string): void => {
    if (/^ {2}(?:CC|AS) /.test(line)) count(line);
  };
  const args = [...forObjectsAlone, ...tools.makeArguments, `-j${availableParallelism()}`, ...missing];
  const { status, output } = await runMake(treeDir, args, { signal, onLine });
  if (status !== 0)
    throw buildError({
      kind: 'make-failed',
      step: `make ${missing.slice(0, 5).join(' ')}`,
      lastLines: firstErrorLines(output),
    });
  await noteGeneratedFiles(kernel.dir, await newerFiles(kernel, missing));
}

/** What the objects read that is newer than the registration: the tree is ours, so that nobody but its build wrote it. */
async function newerFiles({ treeDir, registeredAtMs }: OriginalsOf, objects: readonly string[]): Promise<Set<string>> {
  const files = new Set<string>();
  for (const path of objects) {
    const saved = parseCmdFile(await readFile(join(treeDir, savedCommandOf(path)), 'latin1').catch(() => ''));
    for (const file of [saved?.source ?? '', ...(saved?.dependencies ?? [])])
      if (file !== '' && !file.startsWith('/')) files.add(file);
  }
  for (const file of files) {
    const found = statSync(join(treeDir, file), { throwIfNoEntry: false });
    if (found === undefined || found.mtimeMs <= registeredAtMs) files.delete(file);
  }
  return files;
}

/** The vendor's kernel or module; null where it ships none of that name. */
async function readVendorImage(treeDir: string, object: string): Promise<LinkedImage | null> {
  if (object === 'vmlinux') return kernelImage(parseElf(await readKeptVmlinux(treeDir), 'vmlinux'));
  const kept = await readKeptModule(treeDir, object);
  if (kept === undefined) return null;
  const [module, named] = [kept.module, kept.symbols].map((bytes) =>
    bytes === undefined ? undefined : parseElf(bytes, `${object}.ko`),
  );
  return module === undefined ? null : moduleImage(module, named);
}
