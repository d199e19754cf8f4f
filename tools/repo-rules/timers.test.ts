// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryFiles, repositoryRoot } from './repository-files';

const read = (file: string): string => readFileSync(path.join(repositoryRoot, file), 'utf8');
const manual = read('docs/ARCHITECTURE.md');

/** `| 5 s | what | `file` `constant` |` */
const rows = Array.from(
  manual.matchAll(/^\| (\d+) (ms|s) +\|.*\| `([^`]+)` `(\w+)` +\|$/gm),
  ([, count, unit, file = '', constant = '']) => ({ ms: Number(count) * (unit === 's' ? 1000 : 1), file, constant }),
);

test('the timers that the architecture lists run as it says', () => {
  expect(rows.length).toBeGreaterThan(15);
  const wrong = rows.filter(({ ms, file, constant }) => {
    const value = new RegExp(`\\bconst ${constant} = ([\\d_]+);`).exec(read(file))?.[1];
    return Number(value?.replaceAll('_', '')) !== ms;
  });
  expect(wrong).toEqual([]);
});

test('it lists every part of the product that does something again and again', () => {
  const product = repositoryFiles().filter(
    (file) => /^(?:apps|libs\/(?:io|services))\/.*\.ts$/.test(file) && !/\.test\.ts$|\/tests\/|\/fake-/.test(file),
  );
  const repeating = product.filter((file) => read(file).includes('setInterval('));
  const named = (file: string): boolean => manual.includes(path.basename(file, '.ts'));
  expect(repeating.filter((file) => !named(file))).toEqual([]);
});
