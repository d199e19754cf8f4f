// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { partsToTry } from './parts-to-try';

const [one, two, three, four] = ['fix_1', 'fix_2', 'fix_3', 'fix_11'].map((name) => ({ name }));
const all = [one, two, three, four].flatMap((module) => module ?? []);

test('who is named in the words is tried alone, and the others together', () => {
  expect(partsToTry(all, 'insmod: ERROR: could not insert module /run/fix_1.ko: Bad address')).toEqual([
    [two, three, four],
    [one],
  ]);
  const oops = 'RIP: 0010:mark+0x4/0x90 [fix_2]\nRIP: 0010:mark+0x4/0x90 [fix_3]';
  expect(partsToTry(all, oops)).toEqual([[one, four], [two], [three]]);
});

test('where nobody is named, or everybody, halves are tried', () => {
  expect(partsToTry(all, 'the guest did not answer')).toEqual([
    [one, two],
    [three, four],
  ]);
  expect(partsToTry(all, 'fix_1 fix_2 fix_3 fix_11')).toEqual([
    [one, two],
    [three, four],
  ]);
});
