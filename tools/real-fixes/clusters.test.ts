// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { clusterFiles, inTurnByFolder, type ChangedFile } from './clusters';

function file(
  path: string,
  oldLines: readonly string[],
  removed: readonly string[],
  added: readonly string[],
): ChangedFile {
  const body = [...removed.map((line) => `-${line}`), ...added.map((line) => `+${line}`)];
  return {
    path,
    oldText: oldLines.join('\n'),
    diff: `--- a/${path}\n+++ b/${path}\n@@ -1 +1 @@\n${body.join('\n')}\n`,
  };
}

const paths = (...files: ChangedFile[]): string[][] => clusterFiles(files).map((cluster) => [...cluster.paths]);

test('a new function goes with those who call it', () => {
  const header = file('fs/x.h', ['int old_helper(void);'], [], ['int fresh_helper(void);']);
  const source = file('fs/x.c', ['old_helper();'], ['old_helper();'], ['fresh_helper();']);
  const other = file('mm/y.c', ['old_helper();'], [], ['return 0;']);
  expect(paths(header, source, other)).toEqual([['fs/x.h', 'fs/x.c'], ['mm/y.c']]);
});

test('a removed function goes with those who no longer call it; one that stays joins nobody', () => {
  const header = file('fs/x.h', ['int old_helper(void);'], ['int old_helper(void);'], []);
  const source = file('fs/x.c', ['old_helper();'], ['old_helper();'], []);
  const uses = file('fs/z.c', ['old_helper();', 'old_helper();'], ['old_helper();'], []);
  expect(paths(header, source, uses)).toEqual([['fs/x.h', 'fs/x.c'], ['fs/z.c']]);
});

test('names that a file knew already say nothing', () => {
  const left = file('a.c', ['spin_lock(&lock);'], [], ['spin_lock(&other);']);
  const right = file('b.c', ['spin_lock(&lock);'], [], ['spin_lock(&third);']);
  expect(paths(left, right)).toEqual([['a.c'], ['b.c']]);
});

test('chains are one cluster, with one diff', () => {
  const one = file('a.c', [], [], ['first_link();']);
  const two = file('b.c', [], [], ['first_link();', 'second_link();']);
  const three = file('c.c', [], [], ['second_link();']);
  const [cluster, ...rest] = clusterFiles([one, three, two]);
  expect(rest).toEqual([]);
  expect(cluster?.diff).toBe(one.diff + three.diff + two.diff);
});

test('the folders take turns', () => {
  const clusters = ['drivers/a.c', 'drivers/b.c', 'drivers/c.c', 'fs/x.c', 'mm/y.c', 'mm/z.c'].map((name) => {
    return { paths: [name], diff: '' };
  });
  expect(inTurnByFolder(clusters).map(({ paths: [name] }) => name)).toEqual([
    'drivers/a.c',
    'fs/x.c',
    'mm/y.c',
    'drivers/b.c',
    'mm/z.c',
    'drivers/c.c',
  ]);
  expect(inTurnByFolder([])).toEqual([]);
});
