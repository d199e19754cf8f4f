// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  applyPatch,
  changedConstants,
  classifyChanges,
  describeConstant,
  hasLineNumbers,
  objectsThatRead,
  parseUnifiedDiff,
  pathOf,
  pathsReadBy,
  refuseBuildChanges,
  regionsLike,
  regionsOf,
  whyMakeMust,
  withLineNumbers,
  type DependencyIndex,
  type DiffLine,
  type FileContents,
  type FileDiff,
  type IndexedObject,
  type Region,
} from '@lockstep/domain/source-patch';
import { isPatchable } from '../objects/compile-object';
import type { ProvideOptions } from '../objects/stock-originals';
import { unlistedReaders } from '../objects/unlisted-readers';
import { isMissing } from '../processes/errno';
import { buildError } from '../processes/failure';
import type { KernelBuild } from '../builds/registered-kernel';

/** One of several diffs; errors about it name it. */
export interface NamedDiff {
  readonly name: string;
  readonly text: string | Uint8Array;
  /** How many lines of each hunk's context may differ, by the author's word; none if undefined. */
  readonly fuzz?: number | undefined;
  /** It may change what the build itself runs, by the word of who submits it. */
  readonly mayChangeBuild?: boolean | undefined;
}

/** What is to be built: diffs, over the sources of the kernel build or over those of patches that it runs already. */
export interface PatchSources {
  /** Unified, `-p1`; text is taken as UTF-8. Several are applied in order. */
  readonly diff: string | Uint8Array | readonly NamedDiff[];
  /** Applied before, in order: patches that the kernel will have loaded below this one. */
  readonly onto?: readonly NamedDiff[] | undefined;
}

/** A patch, read against a kernel build: what it makes of the tree, and what of the build that can reach. */
export interface ReadPatch {
  /** The files of all of it as they are in the kernel build; null for those that are not. */
  readonly originals: FileContents;
  /** The tree with what it is built onto; empty if that is nothing. Sources keep their line numbers (line-numbers.ts). */
  readonly base: FileContents;
  /** The tree with all of it, what it is built onto included; in the same way. */
  readonly changed: FileContents;
  /** Those of its own files that can change compiled code. */
  readonly files: readonly string[];
  /** Compiled from C into vmlinux or a module, in path order. */
  readonly objects: readonly IndexedObject[];
  /** Why make must find what to build; empty where replaying the saved commands is right. */
  readonly makeReasons: readonly string[];
  /** Whatever else reads the files: generated headers' listings, assembly, boot code. It must come out the same. */
  readonly gates: readonly IndexedObject[];
  /** For people: where its own diffs were let in although lines of context differ, and constants that change. */
  readonly remarks: readonly string[];
}

/**
 * Applies diffs to the registered tree, in memory, and looks up who reads what they change.
 * @throws LockstepError `diff-syntax`, `diff-does-not-apply`, `diff-ambiguous`, `diff-without-context`,
 *   `changes-no-object`, `not-stackable`, `changes-the-build`
 */
export async function readPatch(
  kernel: KernelBuild,
  { diff, onto = [] }: PatchSources,
  options: ProvideOptions = {},
): Promise<ReadPatch> {
  const tree: ReadTree = { dir: kernel.treeDir, originals: new Map(), index: kernel.index };
  const base = new Map<string, string | null>();
  const below = await applyAll(tree, base, onto);
  const changed = new Map(base);
  const own = await applyAll(tree, changed, asNamed(diff));
  const { files, makeReasons } = classifyChanges(own.diffs, kernel.index);
  const under = classifyChanges(below.diffs, kernel.index);
  const [throughMake] = [...makeReasons, ...under.makeReasons];
  if (onto.length > 0 && throughMake !== undefined) throw notStackable(throughMake);
  // The index knows who read what when the kernel was built: a patch below may have made others read these files.
  const isIncludeChanged = below.diffs.some(({ hunks }) => hunks.some(({ lines }) => lines.some(isInclude)));
  const changedFiles = [...new Set(isIncludeChanged ? [...files, ...under.files] : files)];
  const listed = objectsThatRead(kernel.index, changedFiles);
  const unlisted = await unlistedReaders(kernel, changedFiles, options);
  const affected = [...listed, ...unlisted].sort((left, right) => (left.path < right.path ? -1 : 1));
  if (affected.length === 0 && makeReasons.length === 0) {
    throw buildError({ kind: 'changes-no-object', files: [...new Set(own.diffs.map(pathOf))], compiledObjects: 0 });
  }
  const objects = affected.filter(isPatchable);
  const gates = affected.filter((object) => !objects.includes(object));
  const { originals } = tree;
  const remarks = [
    ...own.staleContext,
    ...unreadSources(own.diffs, kernel),
    ...constantsIn(tree, base, changed, kernel),
  ];
  return { originals, ...keepLineNumbers(tree, base, changed), files, makeReasons, objects, gates, remarks };
}

/** A fix of which a part is nowhere must not look whole: of a driver that is not configured, or whose symbols nobody gave. */
function unreadSources(diffs: readonly FileDiff[], { index, stock }: KernelBuild): string[] {
  const { files } = classifyChanges(
    diffs.filter(({ oldPath, newPath }) => oldPath === newPath),
    index,
  );
  return files
    .filter((file) => file.endsWith('.c') && objectsThatRead(index, [file]).length === 0)
    .map((file) =>
      stock === undefined
        ? `what it changes in ${file} is left out: this kernel build compiles nothing from it`
        : `what it changes in ${file} is left out: the vendor's debug information names no object that is compiled from it`,
    );
}

/** What only a reader of the text sees. */
function constantsIn(tree: ReadTree, base: FileContents, changed: FileContents, { index }: KernelBuild): string[] {
  return Array.from(changed, ([file, after]) => {
    const before = (base.has(file) ? base : tree.originals).get(file) ?? null;
    const readers = objectsThatRead(index, [file]).length;
    return changedConstants({ file, before, after }).map((constant) => describeConstant(constant, readers));
  }).flat();
}

/** Both are numbered like what they are compared with: what a patch below changed, too, keeps the lines it got there. */
function keepLineNumbers(
  { originals }: ReadTree,
  base: FileContents,
  changed: FileContents,
): Pick<ReadPatch, 'base' | 'changed'> {
  const below = new Map<string, Region[]>();
  const number = (path: string, before: readonly Region[], text: string | null, keep?: typeof below): string | null => {
    if (text === null || !hasLineNumbers(path)) return text;
    const regions = regionsLike(before, text);
    keep?.set(path, regions);
    return withLineNumbers(regions);
  };
  const original = (path: string): Region[] => regionsOf(originals.get(path) ?? '');
  return {
    base: new Map(Array.from(base, ([path, text]) => [path, number(path, original(path), text, below)])),
    changed: new Map(
      Array.from(changed, ([path, text]) => [path, number(path, below.get(path) ?? original(path), text)]),
    ),
  };
}

/** What make changes cannot be told apart by which of the patches changed it. */
function notStackable(makeReason: string): LockstepError {
  const message = `It cannot be built onto a stack, because it must be built through make: ${makeReason}. Combine the patches.`;
  return new LockstepError('refused', 'not-stackable', message, { makeReason });
}

const asNamed = (diff: PatchSources['diff']): readonly NamedDiff[] =>
  typeof diff === 'string' || diff instanceof Uint8Array ? [{ name: '', text: diff }] : diff;

const isInclude = ({ kind, text }: DiffLine): boolean => kind !== 'context' && /^\s*#\s*include\b/.test(text);

interface ReadTree {
  readonly dir: string;
  readonly index: DependencyIndex;
  /** The files that were read, as they are in the kernel build. */
  readonly originals: Map<string, string | null>;
}

interface Applied {
  readonly diffs: FileDiff[];
  readonly staleContext: string[];
}

/** Applies each diff to what the ones before it left; answers all their parts. */
async function applyAll(
  tree: ReadTree,
  changed: Map<string, string | null>,
  named: readonly NamedDiff[],
): Promise<Applied> {
  const all: Applied = { diffs: [], staleContext: [] };
  for (const { name, text, fuzz, mayChangeBuild } of named) {
    try {
      const diffs = parseUnifiedDiff(Buffer.from(text).toString('latin1'));
      if (mayChangeBuild !== true) refuseBuildChanges(diffs, (path) => whyMakeMust(path, tree.index));
      for (const path of pathsReadBy(diffs)) {
        if (!tree.originals.has(path)) tree.originals.set(path, await readSource(join(tree.dir, path)));
      }
      const made = applyPatch(new Map([...tree.originals, ...changed]), diffs, fuzz);
      for (const [path, content] of made.changed) changed.set(path, content);
      all.diffs.push(...diffs);
      all.staleContext.push(...made.staleContext);
    } catch (error) {
      if (name === '' || !(error instanceof LockstepError)) throw error;
      const { kind, reason, message, fields } = error;
      throw new LockstepError(kind, reason, `${name}: ${message}`, { ...fields, patch: name }, { cause: error });
    }
  }
  return all;
}

async function readSource(file: string): Promise<string | null> {
  return readFile(file, 'latin1').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}
