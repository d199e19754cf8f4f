// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects } from '@lockstep/domain/object-diff';
import type { IndexedObject } from '@lockstep/domain/source-patch';
import { mapAtOnce, ObjectCompiler, type KernelBuild } from '@lockstep/io/kernel-builder';

export interface SelfDiff {
  /** How many were compared, and how many there are to compare: more, where it was stopped. */
  readonly objects: number;
  readonly of: number;
  /** Objects in which a change was found, and what. */
  readonly changed: readonly string[];
}

export interface SelfDiffOptions {
  /** How many, spread over all; all if undefined. */
  readonly count: number | undefined;
  /** Where results are kept as they come, a line each: objects that are there are not compared again. */
  readonly resultsFile: string | undefined;
  /** Ends it after the objects that are under way: what was found so far is its result. */
  readonly signal: AbortSignal;
  readonly onProgress: (soFar: SelfDiff) => void;
}

interface Result {
  readonly kernel: string;
  readonly object: string;
  /** null: nothing. */
  readonly changed: string | null;
}

/** Compares objects of a kernel with themselves, function by function: nothing may count as changed. */
export async function selfDiff(
  kernel: KernelBuild,
  { count, resultsFile, signal, onProgress }: SelfDiffOptions,
): Promise<SelfDiff> {
  const all = ObjectCompiler.objectsOf(kernel);
  const every = Math.max(1, Math.floor(all.length / (count ?? all.length)));
  const objects = all.filter((_, index) => index % every === 0);
  const wanted = new Set(objects.map(({ path }) => path));
  const results = keptResults(resultsFile, kernel).filter(({ object }) => wanted.has(object));
  const known = new Set(results.map(({ object }) => object));
  const soFar = (): SelfDiff => ({
    objects: results.length,
    of: objects.length,
    changed: results.flatMap(({ changed }) => changed ?? []),
  });
  await using compiler = await ObjectCompiler.lease(kernel);
  const open = objects.filter(({ path }) => !known.has(path));
  await mapAtOnce(open, availableParallelism(), async (object) => {
    if (signal.aborted) return;
    const result = { kernel: kernel.id, object: object.path, changed: await changesIn(object, compiler, kernel) };
    results.push(result);
    if (resultsFile !== undefined) appendFileSync(resultsFile, `${JSON.stringify(result)}\n`);
    onProgress(soFar());
  });
  return soFar();
}

function keptResults(file: string | undefined, kernel: KernelBuild): Result[] {
  if (file === undefined || !existsSync(file)) return [];
  const results = readFileSync(file, 'utf8').split('\n').flatMap(resultIn);
  return results.filter((result) => result.kernel === kernel.id);
}

/** A line that a killed run left unfinished is none. */
function resultIn(line: string): Result[] {
  try {
    return [JSON.parse(line) as Result];
  } catch {
    return [];
  }
}

/** What differs, or is refused, of an object and itself; null if nothing does. */
async function changesIn(
  object: IndexedObject,
  compiler: ObjectCompiler,
  { facts: { tables } }: KernelBuild,
): Promise<string | null> {
  const original = await compiler.original(object);
  const { bytes: patched, proven } = await compiler.againstItself(object);
  const pair = { original, patched, objectPath: object.path, tables, provenStatics: proven };
  try {
    for (const thorough of [false, true]) {
      const diff = diffObjects({ ...pair, thorough });
      const found = [
        ...[...diff.functions.map(({ symbol }) => symbol), ...diff.goneState, ...diff.newState].map(({ name }) => name),
        ...[diff.newFunctions, diff.goneGlobals, diff.addedGlobals, diff.oldAddresses, diff.goneAddresses].flat(),
      ];
      if (diff.pieces.length > 0 || found.length > 0) return `${object.path}: ${found.join(' ')}`;
    }
    return null;
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return `${object.path}: ${error.message}`;
  }
}
