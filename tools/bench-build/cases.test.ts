// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { patchOf } from './cases';

const tree = mkdtempSync(path.join(tmpdir(), 'lockstep-cases-'));
mkdirSync(path.join(tree, 'include/net'), { recursive: true });
writeFileSync(path.join(tree, 'include/net/tcp.h'), 'int f(int win)\n{\n\tif (win < 0)\n\t\treturn 0;\n}\n');
afterAll(() => {
  rmSync(tree, { recursive: true });
});

test('each round of a header is another code than the kernel has, and than the round before', () => {
  const limits = [0, 1, 2].map((round) => {
    const added = /^\+\tif \(win < (\S+)\)$/m.exec(patchOf(tree, 'narrow-header', round))?.[1];
    return Number(added) + 0;
  });
  expect(limits).toEqual([-1, -2, -3]);
});
