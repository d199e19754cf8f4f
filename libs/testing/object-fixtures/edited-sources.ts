// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** In a source, after a mark: what is put in the place of what. */
export type Edit = readonly [source: string, after: string, find: string, put: string];

/** A diff that replaces whole files of a kernel tree. */
export async function diffOfEdits(treeDir: string, edits: readonly Edit[]): Promise<string> {
  const files = new Map<string, { before: string; after: string }>();
  for (const [source, mark, find, put] of edits) {
    const known = files.get(source);
    const before = known?.before ?? (await readFile(path.join(treeDir, source), 'latin1'));
    const text = known?.after ?? before;
    const at = text.indexOf(find, text.indexOf(mark));
    if (at < 0) throw new Error(`${source} has no ${find}`);
    files.set(source, { before, after: text.slice(0, at) + put + text.slice(at + find.length) });
  }
  return [...files].map(([source, { before, after }]) => wholeFileDiff(source, before, after)).join('');
}

/** A diff that takes every line of a file away and puts `after` there. */
export function wholeFileDiff(file: string, before: string, after: string): string {
  const [old = [], now = []] = [before, after].map((text) => text.replace(/\n$/, '').split('\n'));
  const head = `--- a/${file}\n+++ b/${file}\n@@ -1,${old.length} +1,${now.length} @@\n`;
  return `${head}${old.map((line) => `-${line}\n`).join('')}${now.map((line) => `+${line}\n`).join('')}`;
}

/** A source as it is before or after its patch: the lines of `#ifdef PATCHED`, or else of its `#else`, without the marks. */
export function resolvePatched(source: string, isPatched: boolean): string {
  let part: 'common' | 'patched' | 'original' = 'common';
  const lines = source.split('\n').filter((line) => {
    const was = part;
    if (line === '#ifdef PATCHED') part = 'patched';
    else if (part === 'patched' && line === '#else') part = 'original';
    else if (part !== 'common' && line === '#endif') part = 'common';
    return part === was && (part === 'common' || (part === 'patched') === isPatched);
  });
  return lines.join('\n');
}
