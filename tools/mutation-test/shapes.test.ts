// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { runShapes, showShapes } from './shapes';

const cases = runShapes(2, 7, () => undefined);
const outcomesOf = (kind: string): string[] =>
  cases.filter(({ shape }) => shape.kind === kind).map(({ outcome }) => outcome);

test('none does something else than what its source says', () => {
  expect(cases.filter(({ outcome }) => outcome === 'wrong').map((one) => showShapes([one]))).toEqual([]);
});

test('arrays with new neighbours, types that are new or only on a stack: built, and right', () => {
  for (const kind of ['array', 'type-on-stack', 'type-new']) expect(outcomesOf(kind)).toEqual(Array(2).fill('right'));
});

test('types that change under what lives on: refused', () => {
  for (const kind of ['type-at-end', 'type-in-middle', 'type-inside']) {
    for (const outcome of outcomesOf(kind)) expect(['refused', 'needless']).toContain(outcome);
  }
});
