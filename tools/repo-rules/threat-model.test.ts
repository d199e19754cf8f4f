// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from './repository-files';

const page = readFileSync(path.join(repositoryRoot, 'docs/threat-model.md'), 'utf8');

/** `| threat | what stops it | `file`: words of a test's name |` */
const rows = Array.from(page.matchAll(/^\| (.+?) +\| .+? +\| `([^`]+)`: (.+?) +\|$/gm), ([, threat, file, words]) => ({
  threat,
  file: file ?? '',
  words: words ?? '',
}));

test('each threat names a test that is there', () => {
  expect(rows.length).toBeGreaterThan(15);
  const missing = rows.filter(({ file, words }) => {
    const place = path.join(repositoryRoot, file);
    return !existsSync(place) || !readFileSync(place, 'utf8').includes(words);
  });
  expect(missing).toEqual([]);
});
