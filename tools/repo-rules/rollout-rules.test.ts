// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from './repository-files';

const page = readFileSync(path.join(repositoryRoot, 'docs/rollout-rules.md'), 'utf8');

/** `| rule | `file`: words of a test's name |` */
const rows = Array.from(page.matchAll(/^\| ([^|]+?) +\| `([^`]+)`: ([^|]+?) +\|$/gm), ([, rule, file, words]) => ({
  rule,
  file: file ?? '',
  words: words ?? '',
}));

test('each rule of a rollout names a test that is there', () => {
  expect(rows.length).toBeGreaterThan(20);
  const missing = rows.filter(({ file, words }) => {
    const place = path.join(repositoryRoot, file);
    return !existsSync(place) || !readFileSync(place, 'utf8').includes(words);
  });
  expect(missing).toEqual([]);
});
