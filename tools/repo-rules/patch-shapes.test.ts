// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from './repository-files';

const page = readFileSync(path.join(repositoryRoot, 'docs/patch-shapes.md'), 'utf8');
const [kinds = '', instances = ''] = page.split('\n## Instances\n');
const numbers = Array.from({ length: 20 }, (_, one) => one + 1);

const rowsOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => /^\|\s*\d/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
const fileOf = (named: string): string =>
  path.join(repositoryRoot, /^(?:libs|apps)\//.test(named) ? named : `libs/testing/object-fixtures/${named}`);

test('each shape of patches has its row, and each row tests that are there', () => {
  const rows = rowsOf(kinds);
  expect([...new Set(rows.map(([number]) => Number(number)))]).toEqual(numbers);
  for (const [, kind, , , tests = ''] of rows) {
    const named = Array.from(tests.matchAll(/`([^`]+)`/g), ([, file = '']) => file);
    expect({ kind, tests: named.length > 0 }).toEqual({ kind, tests: true });
    expect(named.filter((file) => !existsSync(fileOf(file)))).toEqual([]);
  }
});

test('of each there are three instances that a machine has run, in the words of their tests', () => {
  const rows = rowsOf(instances);
  for (const number of numbers) {
    const tried = rows.filter(([of]) => Number(of) === number);
    expect({ number, enough: tried.length >= 3 }).toEqual({ number, enough: true });
  }
  for (const [, instance, , tests = ''] of rows) {
    const [, file = '', words = ''] = /^`([^`]+)`: (.+)$/.exec(tests) ?? [];
    const text = existsSync(fileOf(file)) ? readFileSync(fileOf(file), 'utf8') : '';
    expect({ instance, isThere: words !== '' && text.includes(words) }).toEqual({ instance, isThere: true });
  }
});
