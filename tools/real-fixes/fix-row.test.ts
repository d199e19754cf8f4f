// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { absences, absencesIn } from './absences';
import { reachOf, wordsOf, type Row } from './fix-row';
import { KeptModules } from './kept-modules';
import { KeptRows } from './kept-rows';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-rows-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const loaded: Row = {
  files: ['a.c'],
  objects: 1,
  seconds: 1,
  outcome: {
    kind: 'loaded',
    functions: ['runs', 'cannot', 'did_not'],
    calls: { runs: 3 },
    absent: { cannot: 'card is not loaded: No such device' },
  },
  peer: null,
};
const refused: Row = { ...loaded, outcome: { kind: 'refused', reason: 'init-function', message: 'no' } };

test('of each function is told whether it ran, and why it cannot', () => {
  expect(wordsOf(loaded)).toBe(
    'loaded: runs (ran 3 times), cannot (not reached: card is not loaded: No such device), did_not (not reached)',
  );
});

test('where there was no time for all ways, what was not reached says so', () => {
  const hurried: Row = {
    ...loaded,
    outcome: { kind: 'loaded', functions: ['runs', 'f'], calls: { runs: 1 }, absent: {}, untried: ['ext4', 'xfs'] },
  };
  expect(wordsOf(hurried)).toBe('loaded: runs (ran 1 times), f (not reached, no time for 2 ways)');
});

test('fixes of which nothing can run are counted apart', () => {
  const silent = { kind: 'loaded', functions: ['f'], calls: {} } as const;
  const rows: Row[] = [
    loaded,
    refused,
    { ...loaded, outcome: { ...silent, absent: { f: 'gone' } } },
    { ...loaded, outcome: { ...silent, absent: {} } },
  ];
  expect(reachOf(rows)).toEqual({ exercised: 1, impossible: 1 });
});

test('what was loaded under another exercise is tried again, what was refused is not', () => {
  const file = path.join(dir, 'rows.jsonl');
  const [one, two] = ['one', 'two'];
  const before = new KeptRows(file, 'kernel', 'first');
  before.keep(one, loaded);
  before.keep(two, refused);
  expect(new KeptRows(file, 'kernel', 'first').of(one)).toEqual(loaded);
  const after = new KeptRows(file, 'kernel', 'second');
  expect(after.of(one)).toBeUndefined();
  expect(after.of(two)).toEqual(refused);
  expect(new KeptRows(file, 'other', 'first').of(two)).toBeUndefined();
});

test('what was built is there for the next run, of the same kernel alone', () => {
  const results = path.join(dir, 'modules.jsonl');
  const functions = [{ object: 'vmlinux', name: 'runs', sympos: 0 }];
  const built = {
    files: ['a.c'],
    objects: 1,
    seconds: 2,
    bytes: Buffer.from([0, 255, 10]),
    functions,
    staysLoaded: false,
  };
  const kept = new KeptModules(results, 'kernel');
  expect(kept.of('one')).toBeUndefined();
  kept.keep('one', built);
  expect(new KeptModules(results, 'kernel').of('one')).toEqual(built);
  expect(new KeptModules(results, 'other').of('one')).toBeUndefined();
  new KeptModules(undefined, 'kernel').keep('one', built);
  expect(new KeptModules(undefined, 'kernel').of('one')).toBeUndefined();
});

test('a module that is not there is told by its name', () => {
  const text = execFileSync('sh', ['-c', absences(['no_such_module'])], { encoding: 'utf8' });
  expect([...absencesIn(text).keys()]).toEqual(['no_such_module']);
  expect(execFileSync('sh', ['-c', absences([])], { encoding: 'utf8' })).toBe('');
});
