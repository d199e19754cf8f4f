// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { applyFileDiff } from './apply-diff';
import { mismatch } from './explain-mismatch';
import { sourcePatchError, type Mismatch } from './failure';
import { pathOf, renamedFrom, type FileDiff } from './unified-diff';

/** Paths below a tree's root and their content in latin1; null where there is no such file. */
export type FileContents = ReadonlyMap<string, string | null>;

export interface AppliedPatch {
  /** All files that it makes, changes or deletes. */
  readonly changed: FileContents;
  /** For people: where lines of context were let in with fuzz. */
  readonly staleContext: readonly string[];
}

/** The files that applying it looks at. */
export const pathsReadBy = (diffs: readonly FileDiff[]): string[] => [
  ...new Set(diffs.flatMap(({ oldPath, newPath }) => [oldPath, newPath]).filter((path) => path !== null)),
];

/**
 * A tree after a diff, or a series: each commit stands on those before it. Renames and copies within a commit take the
 * file as it was before the commit, as git does.
 * @param tree what `pathsReadBy` names
 * @param fuzz how many lines of context of each hunk may differ, by the author's word
 * @throws LockstepError with reason `diff-does-not-apply`, `diff-ambiguous` or `diff-without-context`
 */
export function applyPatch(tree: FileContents, diffs: readonly FileDiff[], fuzz = 0): AppliedPatch {
  const commits = byCommit(diffs);
  try {
    return applyCommits(tree, commits, fuzz);
  } catch (error) {
    if (commits.length === 1 || !applies(tree, commits.reverse(), fuzz)) throw error;
    if (!(error instanceof LockstepError) || error.reason !== 'diff-does-not-apply') throw error;
    const advice = 'It applies with its commits in reverse order: git log prints the newest first (--reverse)';
    throw sourcePatchError({ kind: 'diff-does-not-apply', ...(error.fields as unknown as Mismatch), advice });
  }
}

function byCommit(diffs: readonly FileDiff[]): FileDiff[][] {
  const commits = new Map<number, FileDiff[]>();
  for (const diff of diffs) {
    const commit = commits.get(diff.commit);
    if (commit === undefined) commits.set(diff.commit, [diff]);
    else commit.push(diff);
  }
  return [...commits.values()];
}

function applies(tree: FileContents, commits: readonly FileDiff[][], fuzz: number): boolean {
  try {
    applyCommits(tree, commits, fuzz);
    return true;
  } catch (error) {
    if (error instanceof LockstepError) return false;
    throw error;
  }
}

function applyCommits(tree: FileContents, commits: readonly FileDiff[][], fuzz: number): AppliedPatch {
  const changed = new Map<string, string | null>();
  const staleContext: string[] = [];
  for (const commit of commits) staleContext.push(...applyCommit(tree, changed, commit, fuzz));
  return { changed, staleContext };
}

/** Adds what a commit makes of the files to `changed`. @returns where lines of context were let in */
function applyCommit(
  tree: FileContents,
  changed: Map<string, string | null>,
  diffs: readonly FileDiff[],
  fuzz: number,
): string[] {
  const start = new Map([...tree, ...changed]);
  const contentOf = (path: string): string | null => (changed.has(path) ? changed : tree).get(path) ?? null;
  const leaving = new Set(diffs.map((diff) => (diff.newPath === null ? diff.oldPath : renamedFrom(diff))));
  const made = new Set<string>();
  const staleContext: string[] = [];
  for (const diff of diffs) {
    const { oldPath, newPath } = diff;
    const isMoved = oldPath !== null && newPath !== null && oldPath !== newPath;
    const path = pathOf(diff);
    const target = contentOf(path);
    const isFree = target === null || (leaving.has(path) && !made.has(path));
    if (isMoved && !isFree) throw mismatch({ ...nowhere(path), found: 'the file exists in this tree' });
    const before = isMoved ? (start.get(oldPath) ?? null) : isFree && oldPath === null ? null : target;
    const { text, staleContext: stale } = applyFileDiff(before, diff, fuzz);
    staleContext.push(...stale);
    const gone = renamedFrom(diff);
    if (gone !== undefined && !made.has(gone)) changed.set(gone, null);
    changed.set(path, text);
    if (text !== null) made.add(path);
  }
  return staleContext;
}

const nowhere = (file: string): Omit<Mismatch, 'found' | 'advice'> => ({
  file,
  hunk: 1,
  line: 0,
  expected: 'no such file',
});
