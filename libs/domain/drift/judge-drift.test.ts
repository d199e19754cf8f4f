// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import {
  parseClusterName,
  parseKernelBuildId,
  type ModuleName,
  type NodeStatus,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import type { EntryBody, LogEntry } from '@lockstep/domain/load-order';
import fc from 'fast-check';
import { ExpectedModules, explainDrift, judgeDrift, type ShownNode } from './judge-drift';

const log = { cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };
const load = (module: string): EntryBody =>
  ({
    kind: 'load',
    artifact: { moduleName: module, patchName: module, replace: false, functions: [] },
    overrides: [],
    builtOnto: [],
  }) as unknown as EntryBody;
const retire = (seq: number): EntryBody => ({ kind: 'retire', retires: seq as Seq });
const logOf = (...bodies: EntryBody[]): LogEntry[] =>
  bodies.map((body, index) => ({ ...log, seq: (index + 1) as Seq, body }) as unknown as LogEntry);

const entries = new ExpectedModules(logOf(load('a'), load('b'), load('c'), retire(1)));

/** `a b! c~`: `!` not loaded by the agent, `~` disabled. */
function node(held: string, position: number, some: { target?: number; status?: NodeStatus } = {}): ShownNode {
  const stack = held
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => ({
      module: word.replace(/[!~]/, '') as ModuleName,
      enabled: !word.endsWith('~'),
      artifact: word.endsWith('!') ? undefined : ('0'.repeat(64) as Sha256),
    }));
  const { status = 'in-step', target = position } = some;
  return { status, position: position as Seq, target: target as Seq, stack };
}

const none = { foreign: [], missing: [], surplus: [], isOutOfOrder: false };

test.each<[string, ShownNode, object | undefined]>([
  ['it holds its stack', node('a b c', 3), undefined],
  ['loaded by hand', node('a x! b', 2, { status: 'diverged' }), { foreign: ['x'] }],
  [
    'loaded by hand under the name of an entry',
    node('a b!', 2, { status: 'diverged' }),
    { foreign: ['b'], missing: ['b'] },
  ],
  ['an entry before its turn', node('a b', 1, { status: 'diverged' }), { foreign: ['b'] }],
  ['unloaded by hand', node('a', 2), { missing: ['b'] }],
  ['disabled by hand', node('a b~', 2), { missing: ['b'] }],
  ['what was retired is still there', node('a b c', 4), { surplus: ['a'] }],
  ['another order', node('b a', 2), { isOutOfOrder: true }],
  ['on its way: between two stacks', node('b', 2, { target: 4, status: 'moving' }), undefined],
  ['on its way, with something foreign', node('b x!', 2, { target: 4, status: 'diverged' }), { foreign: ['x'] }],
])('%s', (_, shown, drift) => {
  expect(judgeDrift(shown, entries)).toEqual(drift === undefined ? undefined : { ...none, ...drift });
});

test('only what is exactly the stack of its position is no drift, and every drift has words', () => {
  const held = fc.array(fc.constantFrom('a', 'b', 'c', 'x'), { maxLength: 5 }).map((names) => [...new Set(names)]);
  fc.assert(
    fc.property(held, fc.integer({ min: 0, max: 4 }), (names, position) => {
      const stack = { 0: '', 1: 'a', 2: 'a b', 3: 'a b c', 4: 'b c' }[position];
      const drift = judgeDrift(node(names.join(' '), position), entries);
      expect(drift === undefined).toBe(names.join(' ') === stack);
      if (drift !== undefined)
        expect(explainDrift('n1', drift)).toMatch(/^n1 (holds|does not hold|still holds) .*\. (It|Its agent) /);
    }),
  );
});
