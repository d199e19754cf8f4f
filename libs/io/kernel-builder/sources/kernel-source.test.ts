// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findKernelSource, kernelVersionOf, prepareKernelTree, tryKernelSeries } from './kernel-source';
import { hashSeries } from './quilt-series';
import { runCommand } from '../processes/run-command';
import { sourceIdentity } from './source-identity';

let dir = '';
let tree = '';

async function put(path: string, text: string): Promise<string> {
  const file = join(dir, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-source-'));
  tree = join(dir, 'linux');
  await put('linux/Makefile', 'VERSION = 5\nPATCHLEVEL = 15\nSUBLEVEL = 135\n');
  await put('linux/kernel/livepatch/core.c', 'one\ntwo\nthree\n');
  await put('series-5.15/series', '# hooks\nfirst.patch\nsecond.patch -p1 # later\n');
  const patch = (from: string, to: string): string =>
    `--- a/kernel/livepatch/core.c\n+++ b/kernel/livepatch/core.c\n@@ -2 +2 @@\n-${from}\n+${to}\n`;
  await put('series-5.15/patches/first.patch', patch('two', '2'));
  await put('series-5.15/patches/second.patch', patch('2', 'zwei'));
  await put('files/kernel/livepatch/conflict.c', 'new\n');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const series = (): { seriesDir: string; filesDir: string } => ({
  seriesDir: join(dir, 'series-5.15'),
  filesDir: join(dir, 'files'),
});

describe('preparing a tree', () => {
  test('copies it, adds our files, applies the series in order, and leaves the given tree alone', async () => {
    const targetDir = join(dir, 'out');
    await prepareKernelTree({ source: { kind: 'tree', dir: tree }, series: series(), targetDir });
    expect(await readFile(join(targetDir, 'kernel/livepatch/core.c'), 'utf8')).toBe('one\nzwei\nthree\n');
    expect(await readFile(join(targetDir, 'kernel/livepatch/conflict.c'), 'utf8')).toBe('new\n');
    expect(await readFile(join(tree, 'kernel/livepatch/core.c'), 'utf8')).toBe('one\ntwo\nthree\n');
    expect(await readdir(join(tree, 'kernel/livepatch'))).toEqual(['core.c']);
  });

  test('unpacks a tarball without its top folder', async () => {
    const file = join(dir, 'linux-source-5.15.tar.xz');
    await runCommand('tar', ['-cJf', file, '-C', dir, 'linux']);
    const targetDir = join(dir, 'out');
    await prepareKernelTree({ source: { kind: 'tarball', file }, targetDir });
    expect(await kernelVersionOf(targetDir)).toBe('5.15');
  });

  test('a tarball that did not come whole is told by its name', async () => {
    const file = join(dir, 'linux-source-5.15.tar.xz');
    await runCommand('tar', ['-cJf', file, '-C', dir, 'linux']);
    await writeFile(file, (await readFile(file)).subarray(0, 100));
    await expect(
      prepareKernelTree({ source: { kind: 'tarball', file }, targetDir: join(dir, 'out') }),
    ).rejects.toMatchObject({
      reason: 'file-broken',
      message: expect.stringMatching(
        /^\S*linux-source-5\.15\.tar\.xz cannot be unpacked: tar ended with .*again$/s,
      ) as unknown,
    });
  });

  test('a series is tried on a tree that is only read', async () => {
    expect(await tryKernelSeries(tree, series())).toBeUndefined();
    await put('linux/kernel/livepatch/core.c', 'one\nTWO\nthree\n');
    expect(await tryKernelSeries(tree, series())).toMatch(/first\.patch.*kernel\/livepatch\/core\.c/);
    expect(await readdir(join(tree, 'kernel/livepatch'))).toEqual(['core.c']);
  });

  test('a tree that does not match is refused, naming patch, file and hunk', async () => {
    await put('linux/kernel/livepatch/core.c', 'one\nTWO\nthree\n');
    const preparing = prepareKernelTree({
      source: { kind: 'tree', dir: tree },
      series: series(),
      targetDir: join(dir, 'o'),
    });
    await expect(preparing).rejects.toMatchObject({
      reason: 'series-does-not-apply',
      fields: {
        patch: 'first.patch',
        file: 'kernel/livepatch/core.c',
        hunk: 1,
        line: 2,
        expected: 'two',
        found: 'TWO',
      },
    });
  });

  test('a series that names a patch that is broken is refused, naming it', async () => {
    await put('series-5.15/patches/second.patch', 'not a diff\n');
    const preparing = prepareKernelTree({
      source: { kind: 'tree', dir: tree },
      series: series(),
      targetDir: join(dir, 'o'),
    });
    await expect(preparing).rejects.toMatchObject({ reason: 'series-broken' });
    await expect(preparing).rejects.toThrow(/second\.patch/);
  });

  test('what is not a kernel tree is refused', async () => {
    await expect(findKernelSource(join(dir, 'files'))).rejects.toMatchObject({ reason: 'not-a-kernel-tree' });
    await expect(findKernelSource(join(dir, 'nowhere'))).rejects.toThrow(/does not exist/);
    expect(await findKernelSource(tree)).toEqual({ kind: 'tree', dir: tree });
  });
});

describe('identity', () => {
  test('follows content, path and executable bit, not place or time', async () => {
    const cache = join(dir, 'cache');
    const before = await sourceIdentity(tree, cache);
    await utimes(join(tree, 'Makefile'), new Date(1), new Date(1));
    expect(await sourceIdentity(tree, cache)).toBe(before);
    await runCommand('cp', ['-a', tree, join(dir, 'elsewhere')]);
    expect(await sourceIdentity(join(dir, 'elsewhere'), cache)).toBe(before);
    await put('linux/kernel/livepatch/core.c', 'one\ntwo\nthrex\n');
    const edited = await sourceIdentity(tree, cache);
    await runCommand('chmod', ['+x', join(tree, 'Makefile')]);
    const executable = await sourceIdentity(tree, cache);
    expect(new Set([before, edited, executable]).size).toBe(3);
  });

  test('a series is identified by its patches and files', async () => {
    const identify = async (): Promise<string> => {
      const hash = createHash('sha256');
      await hashSeries(hash, series());
      return hash.digest('hex');
    };
    const before = await identify();
    await put('files/kernel/livepatch/conflict.c', 'newer\n');
    const withFile = await identify();
    await put('series-5.15/series', 'first.patch\n');
    expect(new Set([before, withFile, await identify()]).size).toBe(3);
  });
});
