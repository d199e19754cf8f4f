// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';

/** One file that two kernel trees have differently. */
export interface ChangedFile {
  readonly path: string;
  readonly oldText: string;
  /** `-p1` unified diff. */
  readonly diff: string;
}

/** Files whose changes need each other, as one fix. */
export interface Cluster {
  readonly paths: readonly string[];
  readonly diff: string;
}

/** What a fix is known by: the sha256 of its diff. */
export const fixOf = ({ diff }: Cluster): string => createHash('sha256').update(diff, 'latin1').digest('hex');

/** Names this short are in every file. */
const shortestName = 5;

const namesIn = (text: string): Set<string> =>
  new Set((text.match(/[A-Za-z_]\w*/g) ?? []).filter((name) => name.length >= shortestName));

function linesOf(diff: string, sign: '+' | '-'): string {
  const lines = diff.split('\n').filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3)));
  return lines.map((line) => line.slice(1)).join('\n');
}

/**
 * Splits the difference of two trees into fixes: files belong together where both bring in a name, that neither had
 * before (a new function and its callers), or where both drop it.
 */
export function clusterFiles(files: readonly ChangedFile[]): Cluster[] {
  const parent = files.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parent[root] !== root) root = parent[root] ?? root;
    return root;
  };
  const firstWith = new Map<string, number>();
  files.forEach((file, index) => {
    for (const name of shiftedNames(file)) {
      const other = firstWith.get(name);
      if (other === undefined) firstWith.set(name, index);
      else parent[rootOf(index)] = rootOf(other);
    }
  });
  const members = new Map<number, ChangedFile[]>();
  files.forEach((file, index) => {
    members.set(rootOf(index), [...(members.get(rootOf(index)) ?? []), file]);
  });
  return [...members.values()].map((cluster) => ({
    paths: cluster.map(({ path }) => path),
    diff: cluster.map(({ diff }) => diff).join(''),
  }));
}

/** One of each top folder in turn, so that the first so many are of all kinds: drivers are most of any difference. */
export function inTurnByFolder(clusters: readonly Cluster[]): Cluster[] {
  const byFolder = new Map<string, Cluster[]>();
  for (const cluster of clusters) {
    const folder = cluster.paths[0]?.split('/')[0] ?? '';
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), cluster]);
  }
  const rounds = Math.max(0, ...Array.from(byFolder.values(), ({ length }) => length));
  return Array.from({ length: rounds }, (_, round) =>
    [...byFolder.values()].flatMap((mine) => mine[round] ?? []),
  ).flat();
}

/** Names that the file has only after the change (`+name`), or only before (`-name`). */
function shiftedNames({ oldText, diff }: ChangedFile): string[] {
  const [added, removed] = [namesIn(linesOf(diff, '+')), namesIn(linesOf(diff, '-'))];
  const before = namesIn(oldText);
  const brought = [...added].filter((name) => !before.has(name)).map((name) => `+${name}`);
  const dropped = [...removed].filter((name) => !added.has(name)).map((name) => `-${name}`);
  return [...brought, ...dropped.filter((name) => !stillThere(oldText, diff, name.slice(1)))];
}

function stillThere(oldText: string, diff: string, name: string): boolean {
  const count = (text: string): number => text.split(new RegExp(`\\b${name}\\b`)).length - 1;
  return count(oldText) > count(linesOf(diff, '-'));
}
