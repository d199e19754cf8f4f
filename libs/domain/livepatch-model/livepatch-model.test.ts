// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  functionKey,
  moduleNameOf,
  parseKernelBuildId,
  parseNewPatchName,
  parseNodeName,
  parsePatchId,
  parsePatchName,
  parseSeq,
} from './index';

const id = parsePatchId('0123456789abcdef'.repeat(4));

describe('module names', () => {
  test('tell the patch', () => {
    expect(moduleNameOf(parsePatchName('fix-cve-1'), id)).toBe('lockstep_fix_cve_1_01234567');
  });

  test('fit the kernel and keep the id, however long the patch name', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/), (name) => {
        const moduleName = moduleNameOf(parsePatchName(name), id);
        expect(moduleName).toMatch(/^lockstep_[a-z0-9_]+_01234567$/);
        expect(moduleName.length).toBeLessThanOrEqual(55);
      }),
    );
  });
});

test('a new patch name has a letter; one of an older log need not', () => {
  expect(parseNewPatchName('3-fix')).toBe('3-fix');
  expect(parsePatchName('2026')).toBe('2026');
});

test.each([
  ['an empty name', () => parseNodeName('')],
  ['a path', () => parseNodeName('../etc')],
  ['a trailing dash', () => parsePatchName('fix-')],
  ['a new name of digits alone', () => parseNewPatchName('2026')],
  ['a new name of digits and dashes', () => parseNewPatchName('2026-1')],
  ['a trailing dash in a new name', () => parseNewPatchName('fix-')],
  ['half a byte', () => parseKernelBuildId('abc')],
  ['upper-case hex', () => parsePatchId('A'.repeat(64))],
  ['a negative seq', () => parseSeq(-1)],
  ['a fraction', () => parseSeq(1.5)],
])('%s is refused', (_, parse) => {
  expect(parse).toThrow(expect.objectContaining({ kind: 'invalid-input' }));
});

test('function keys keep object, name and place apart', () => {
  const key = (object: string, name: string, sympos: number): string => functionKey({ object, name, sympos });
  expect(
    new Set([key('vmlinux', 'a', 0), key('vmlinux', 'a', 2), key('ext4', 'a', 0), key('vmlinux', 'b', 0)]).size,
  ).toBe(4);
  expect(key('vmlinux', 'a', 0)).toBe(key('vmlinux', 'a', 1));
});
