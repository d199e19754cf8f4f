// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { advance } from './advance';
import { checks, load, logOf, machineAt, observed, type Machine } from './test-machine';

const ours = logOf(load('a', 'abc'), load('b', 'ad', [1]), load('c', 'x'));

const repairs = (machine: Machine, modules: readonly string[]): number => {
  const word = { kind: 'repair-requested' as const, modules: modules as never };
  return advance(machine.state, word, checks).effects.filter((effect) => effect.kind === 'record-repair').length;
};

test('a word about foreign livepatches that is repeated for ever is written down once, and only of what is there', () => {
  const machine = machineAt(ours, 3);
  expect(repairs(machine, ['nobody_has_this'])).toBe(0);
  machine.kernel.push(observed('by_hand', 'z'));
  machine.tell({ kind: 'look-due' });
  machine.finishObserving();
  expect(repairs(machine, ['by_hand', 'nobody_has_this'])).toBe(1);
  machine.tell({ kind: 'repair-requested', modules: ['by_hand'] as never });
  expect(repairs(machine, ['by_hand'])).toBe(0);
  expect(repairs(machine, [])).toBe(0);
});
