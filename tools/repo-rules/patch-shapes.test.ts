// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from './repository-files';

const page = readFileSync(path.join(repositoryRoot, 'docs/patch-shapes.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => /^\|\s*\d/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('each shape of patches has its row, and each row tests that are there', () => {
  expect([...new Set(rows.map(([, number]) => Number(number)))]).toEqual(
    Array.from({ length: 20 }, (_, one) => one + 1),
  );
  for (const row of rows) {
    const named = Array.from((row[5] ?? '').matchAll(/`([^`]+)`/g), ([, file = '']) => file);
    expect({ kind: row[2], tests: named.length > 0 }).toEqual({ kind: row[2], tests: true });
    const places = named.map((file) =>
      file.includes('libs/') || file.includes('apps/') ? file : `libs/testing/object-fixtures/${file}`,
    );
    expect(places.filter((file) => !existsSync(path.join(repositoryRoot, file)))).toEqual([]);
  }
});
