// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseGate } from '@lockstep/domain/probes';
import { defaultRules, type RolloutRules } from './rollout-policy';
import { rulesChanged } from './rules-changed';

const other: RolloutRules = {
  ...{ canaries: 2, waves: [{ nodes: 5 }, { percent: 50 }], allowedFailures: { nodes: 3 }, atOnce: { percent: 10 } },
  ...{ haltsOnCrash: false, deadlineMs: 60_000, bakeMs: 30_000 },
  approvals: { needed: 2, among: ['person:bob', 'person:carol'], author: 'person:ada', validMs: 1 },
  probing: {
    ...{ probes: [{ kind: 'tcp', host: 'localhost', port: 22 }], everyMs: 10_000, timeoutMs: 5_000 },
    allowedErrors: { nodes: 0 },
  },
  gates: [parseGate('errors=rate_of_errors <= 3')],
};

test('the same rules differ in nothing, whoever asks for it', () => {
  expect(rulesChanged(other, { ...other })).toEqual([]);
  const byBob = {
    ...other,
    approvals: { needed: 2, among: ['person:bob', 'person:carol'], author: 'person:bob', validMs: 1 },
  };
  expect(rulesChanged(other, byBob)).toEqual([]);
});

test('each rule that is another one is told, with what it was', () => {
  expect(rulesChanged(defaultRules, other)).toEqual([
    'canaries: 2 (before: canaries: 1)',
    'waves: 5, 50 % (before: waves: 10 %)',
    'allowed failures: 3 (before: allowed failures: 1 %)',
    'at once: 10 % (before: at once: all of a wave)',
    'a host that does not survive counts as one failure (before: a host that does not survive halts it)',
    'waits for a node for 60 s (before: waits for a node for 900 s)',
    'bake time: 30 s (before: bake time: 0 s)',
    'approvals: 2 of person:bob, person:carol (before: approvals: none)',
    'probes: tcp=localhost:22, each 10 s, given 5 s, 0 may be impossible to measure (before: probes: none)',
    'gates: errors=rate_of_errors <= 3 (before: gates: none)',
  ]);
  for (const rule of Object.keys(defaultRules) as (keyof RolloutRules)[]) {
    expect(rulesChanged(defaultRules, { ...defaultRules, [rule]: other[rule] })).toHaveLength(1);
  }
});
