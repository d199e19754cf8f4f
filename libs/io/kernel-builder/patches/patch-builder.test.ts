// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const read = (path: string): string => readFileSync(join(__dirname, path), 'utf8');

test('what can refuse a patch leaves the room by its door, and all that does tells the author’s places', () => {
  const values = [...read('../index.ts').matchAll(/^export \{([^}]*)\} from '\.\/patches\/(.*)';$/gm)];
  // Which reads a diff, and knows no object yet.
  expect(values.map(([, , file]) => file).sort()).toEqual(['patch-builder', 'read-patch']);
  const exported = [...read('patch-builder.ts').matchAll(/^export .*$/gm)].map(([line]) => line);
  expect(exported.length).toBeGreaterThan(0);
  for (const line of exported) expect(line).toMatch(/^export const \w+ = blamingAuthor(?:<.*>)?\(/);
});
