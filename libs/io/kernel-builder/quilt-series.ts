// SPDX-License-Identifier: GPL-2.0-only
import { createHash, type Hash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { applyFileDiff } from './apply-diff';
import { buildError } from './failure';
import { parseUnifiedDiff } from './unified-diff';

/** Our changes to one kernel version: whole files first, then a quilt series of hooks into existing ones. */
export interface KernelSeries {
  /** Holds `series` and, beside it, `patches/`. */
  seriesDir: string;
  /** Copied over the tree at their own paths before the series. */
  filesDir?: string | undefined;
}

/**
 * Applies every patch of a quilt series, in order, with no fuzz.
 * @throws LockstepError `series-does-not-apply` or `series-broken`; the tree is then half patched: throw it away
 */
export async function applySeries(seriesDir: string, treeDir: string): Promise<void> {
  for (const patch of await listSeries(seriesDir)) {
    try {
      await applyPatchFile(join(seriesDir, 'patches', patch), treeDir);
    } catch (error) {
      throw nameThePatch(error, patch, seriesDir);
    }
  }
}

async function applyPatchFile(patchFile: string, treeDir: string): Promise<void> {
  for (const diff of parseUnifiedDiff(await readFile(patchFile, 'latin1'))) {
    const file = join(treeDir, diff.newPath ?? diff.oldPath ?? '');
    const before = await readFile(file, 'latin1').catch(() => null);
    const after = applyFileDiff(before, diff);
    if (after === null) {
      await rm(file);
    } else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, after, 'latin1');
    }
  }
}

function nameThePatch(error: unknown, patch: string, seriesDir: string): unknown {
  if (!(error instanceof LockstepError)) return error;
  if (error.reason === 'diff-does-not-apply') {
    const { file, hunk, line, expected, found } = error.fields;
    return buildError(
      {
        kind: 'series-does-not-apply',
        patch,
        file: String(file),
        hunk: Number(hunk),
        line: Number(line),
        expected: String(expected),
        found: String(found),
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

/** Feeds all that a series would change into a hash. */
export async function hashSeries(hash: Hash, series: KernelSeries): Promise<void> {
  for (const patch of await listSeries(series.seriesDir)) {
    hash.update(`patch ${patch}\0`).update(await readFile(join(series.seriesDir, 'patches', patch)));
  }
  if (series.filesDir !== undefined) {
    const { filesDir } = series;
    const entries = await readdir(filesDir, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of files.sort()) {
      const content = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      hash.update(`file ${file.slice(filesDir.length)}\0${content}\0`);
    }
  }
}
