// SPDX-License-Identifier: GPL-2.0-only
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { ScratchDirectory } from './scratch-directory';

const dir = mkdtempSync(path.join(tmpdir(), 'lockstep-scratch-'));
afterAll(() => {
  rmSync(dir, { recursive: true });
});

test('is made in a cache that nobody has used yet, and gone with its scope', () => {
  const cache = path.join(dir, 'cache/lockstep');
  let made: string;
  {
    using scratch = ScratchDirectory.create('first', cache);
    made = scratch.path;
    expect(path.dirname(made)).toBe(cache);
    expect(existsSync(made)).toBe(true);
  }
  expect(existsSync(made)).toBe(false);
});
