// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

/** A patch of a series with those of our files that it needs, as a reviewer gets it. */
export interface WholePatch {
  /** `0001-look-up-….patch` */
  readonly name: string;
  readonly text: string;
}

/** Each patch's files, by its name without number. @throws Error for a text that names none for a file, or one twice */
export function readFilesByPatch(text: string): ReadonlyMap<string, readonly string[]> {
  const filesOf = new Map<string, string[]>();
  const seen = new Set<string>();
  let files: string[] | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const word = line.trim();
    if (seen.has(word)) throw new Error(`files-by-patch names ${word} twice`);
    seen.add(word);
    if (!line.startsWith(' ')) filesOf.set(word, (files = []));
    else if (files === undefined) throw new Error(`files-by-patch names no patch for ${word}`);
    else files.push(word);
  }
  return filesOf;
}

function newFile(file: string, content: string): string {
  const lines = content.replace(/\n$/, '').split('\n');
  return [
    `--- /dev/null`,
    `+++ b/${file}`,
    `@@ -0,0 +1,${lines.length} @@`,
    ...lines.map((line) => `+${line}`),
    '',
  ].join('\n');
}

const titleOf = (patch: string): string => patch.replace(/^\d+-/, '').replace(/\.patch$/, '');

/**
 * The series of a version with our files in it, each with the patch that needs it.
 * @throws Error unless each file belongs to one patch that is there
 */
export function wholePatches(kernelLivepatchDir: string, version: string): WholePatch[] {
  const filesDir = path.join(kernelLivepatchDir, 'files');
  const seriesDir = path.join(kernelLivepatchDir, `linux-${version}`);
  const filesOf = readFilesByPatch(readFileSync(path.join(kernelLivepatchDir, 'files-by-patch'), 'utf8'));
  const series = readFileSync(path.join(seriesDir, 'series'), 'utf8').trim().split('\n');
  const titles = new Set(series.map(titleOf));
  for (const title of filesOf.keys()) {
    if (!titles.has(title)) throw new Error(`files-by-patch: linux-${version} has no patch ${title}`);
  }
  const named = new Set([...filesOf.values()].flat());
  const there = readdirSync(filesDir, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(path.join(filesDir, file)).isFile(),
  );
  for (const file of there) {
    if (!named.delete(file)) throw new Error(`files-by-patch: no patch needs files/${file}`);
  }
  for (const file of named) throw new Error(`files-by-patch: there is no files/${file}`);
  return series.map((name) => {
    const files = (filesOf.get(titleOf(name)) ?? []).map((file) =>
      newFile(file, readFileSync(path.join(filesDir, file), 'utf8')),
    );
    return { name, text: readFileSync(path.join(seriesDir, 'patches', name), 'utf8') + files.join('') };
  });
}
