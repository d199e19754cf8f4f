// SPDX-License-Identifier: GPL-2.0-only
import { whyMakeObeys } from './build-changes';
import type { DependencyIndex } from './dependency-index';
import { pathOf, renamedFrom, type FileDiff } from './unified-diff';

/** What the files of a diff mean for a build. */
export interface ChangeClasses {
  /** Those that can change compiled code; documentation and user-space tests cannot. */
  readonly files: string[];
  /** Why recompiling single objects cannot be proved right, so that make must find what to build; empty if it can. */
  readonly makeReasons: string[];
}

/** Why make would run or obey a file of a kernel build, or does something unknown with it; undefined where it compiles it. */
export function whyMakeMust(path: string, index: DependencyIndex): string | undefined {
  const isHeld = isHarmless(path) || /\.[ch]$/.test(path) || Object.hasOwn(index.readers, path);
  const isSource = isHeld || index.objects.some(({ source }) => source === path);
  // Assembly and linker scripts that are compiled are made again like C, and must come out the same.
  return whyMakeObeys(path, index) ?? (isSource ? undefined : 'what the build makes of such a file is not known');
}

export function classifyChanges(diffs: readonly FileDiff[], index: DependencyIndex): ChangeClasses {
  const classes: ChangeClasses = { files: [], makeReasons: [] };
  for (const { path, isNew, isGone } of diffs.flatMap(changedPaths)) {
    if (isHarmless(path)) continue;
    classes.files.push(path, ...(isNew ? namesakes(path, index) : []));
    const reason = whyMake(path, isGone, index);
    if (reason !== undefined) classes.makeReasons.push(`${path}: ${reason}`);
  }
  return classes;
}

interface ChangedPath {
  readonly path: string;
  readonly isNew: boolean;
  readonly isGone: boolean;
}

/** A rename is one file less and one more. */
function changedPaths(diff: FileDiff): ChangedPath[] {
  const { oldPath, newPath } = diff;
  const gone = renamedFrom(diff);
  const own = { path: pathOf(diff), isNew: oldPath !== newPath && newPath !== null, isGone: newPath === null };
  return gone === undefined ? [own] : [{ path: gone, isNew: false, isGone: true }, own];
}

function isHarmless(path: string): boolean {
  return (
    /^(?:Documentation|LICENSES|samples|tools\/testing)\//.test(path) ||
    /^(?:MAINTAINERS|CREDITS|COPYING|README)$/.test(path)
  );
}

/** A new header may be found before another of its name: who reads that one is compiled again. */
function namesakes(path: string, index: DependencyIndex): string[] {
  const ending = `/${path.slice(path.lastIndexOf('/') + 1)}`;
  return Object.keys(index.readers).filter((known) => known.endsWith(ending));
}

function whyMake(path: string, isGone: boolean, index: DependencyIndex): string | undefined {
  const isSource = index.objects.some(({ source }) => source === path);
  return whyMakeMust(path, index) ?? (isSource && isGone ? 'a source file of this kernel build is deleted' : undefined);
}
