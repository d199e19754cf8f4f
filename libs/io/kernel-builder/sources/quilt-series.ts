// SPDX-License-Identifier: GPL-2.0-only
import { createHash, type Hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import {
  applyPatch,
  parseUnifiedDiff,
  pathOf,
  pathsReadBy,
  type FileContents,
  type FileDiff,
} from '@lockstep/domain/source-patch';
import { buildError } from '../processes/failure';

/** Our changes to one kernel version: whole files first, then a quilt series of hooks into existing ones. */
export interface KernelSeries {
  /** Holds `series` and, beside it, `patches/`. */
  seriesDir: string;
  /** Copied over the tree at their own paths before the series. */
  filesDir?: string | undefined;
}

/**
 * What every file that the series touches becomes: our own files, then every patch in order, with no fuzz.
 * @param original a file's content before the series, in latin1; null where there is none
 * @throws LockstepError `series-does-not-apply` or `series-broken`
 */
export async function evaluateSeries(
  { seriesDir, filesDir }: KernelSeries,
  original: (path: string) => Promise<string | null>,
): Promise<FileContents> {
  const contents = new Map<string, string | null>();
  for (const path of await listFiles(filesDir)) {
    contents.set(path, await readFile(join(filesDir ?? '', path), 'latin1'));
  }
  for (const patch of await listSeries(seriesDir)) {
    try {
      const diffs = await readPatchFile(seriesDir, patch);
      const tree = new Map<string, string | null>();
      for (const path of pathsReadBy(diffs)) {
        tree.set(path, contents.has(path) ? (contents.get(path) ?? null) : await original(path));
      }
      for (const [path, text] of applyPatch(tree, diffs).changed) contents.set(path, text);
    } catch (error) {
      throw nameThePatch(error, patch, seriesDir);
    }
  }
  return contents;
}

async function readPatchFile(seriesDir: string, patch: string): Promise<FileDiff[]> {
  return parseUnifiedDiff(await readFile(join(seriesDir, 'patches', patch), 'latin1'));
}

/** Every file below a directory, as paths relative to it, in order. */
async function listFiles(dir: string | undefined): Promise<string[]> {
  if (dir === undefined) return [];
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((file) => file.slice(dir.length).replace(/^\/+/, '')).sort();
}

function nameThePatch(error: unknown, patch: string, seriesDir: string): unknown {
  if (!(error instanceof LockstepError)) return error;
  if (error.reason === 'diff-does-not-apply') {
    const { file, hunk, line, expected, found, advice } = error.fields;
    return buildError(
      {
        kind: 'series-does-not-apply',
        patch,
        file: String(file),
        hunk: Number(hunk),
        line: Number(line),
        expected: String(expected),
        found: String(found),
        advice: String(advice),
      },
      { cause: error },
    );
  }
  return buildError(
    { kind: 'series-broken', series: join(seriesDir, 'patches', patch), reason: error.message },
    { cause: error },
  );
}

/** Names in the `series` file, without comments; quilt's `-p1` after a name is the default and may be written. */
async function listSeries(seriesDir: string): Promise<string[]> {
  const series = join(seriesDir, 'series');
  const text = await readFile(series, 'utf8').catch((cause: unknown) => {
    throw buildError({ kind: 'series-broken', series, reason: 'it cannot be read' }, { cause });
  });
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((line) => line.replace(/ +-p1$/, ''));
}

/** Feeds all that a series would change in the built kernel into a hash: neither documentation nor a patch's message. */
export async function hashSeries(hash: Hash, { seriesDir, filesDir }: KernelSeries): Promise<void> {
  for (const patch of await listSeries(seriesDir)) {
    try {
      for (const diff of await readPatchFile(seriesDir, patch)) {
        const { oldPath, newPath, hunks } = diff;
        const isMoved = oldPath !== null && newPath !== null && oldPath !== newPath;
        const change = isMoved ? diff : { oldPath, newPath, hunks };
        if (!isDocumentation(pathOf(diff))) hash.update(`diff ${JSON.stringify(change)}\0`);
      }
    } catch (error) {
      throw nameThePatch(error, patch, seriesDir);
    }
  }
  for (const path of await listFiles(filesDir)) {
    if (isDocumentation(path)) continue;
    const content = createHash('sha256')
      .update(await readFile(join(filesDir ?? '', path)))
      .digest('hex');
    hash.update(`file ${path}\0${content}\0`);
  }
}

/** What no build reads. The top Kconfig includes Documentation's. */
function isDocumentation(path: string): boolean {
  return path.startsWith('Documentation/') && !/^(?:Kconfig|Makefile)/.test(basename(path));
}
