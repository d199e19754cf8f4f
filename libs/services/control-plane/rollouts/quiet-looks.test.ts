// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeFacts, RolloutPlan } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import { QuietLooks, type LookedAt } from './quiet-looks';

const names = ['n1', 'n2'].map(parseNodeName);
const report = { position: 1 } as unknown as NonNullable<NodeFacts['report']>;
const labels = new Map();
const factsOf = (more: Partial<NodeFacts> = {}): NodeFacts[] =>
  names.map((node) => ({
    node,
    kernelBuild: null,
    connected: true,
    report,
    labels,
    lastSeenMs: Math.random(),
    ...more,
  }));
const planOf = (more: object = {}): RolloutPlan =>
  ({ status: 'succeeded', nodes: names.map((node) => ({ node, notYet: null })), ...more }) as unknown as RolloutPlan;
const rolloutOf = (plan: RolloutPlan, policy: object = {}): RolloutRecord =>
  ({ id: 'r', plan, policy }) as unknown as RolloutRecord;
const looked = (more: Partial<LookedAt> = {}): LookedAt => ({ inventory: factsOf(), head: 3, retired: [], ...more });

test('a success with everybody there is quiet until something else is known than when it stayed as it was', () => {
  const quiet = new QuietLooks();
  const plan = planOf();
  const rollout = rolloutOf(plan);
  expect(quiet.isQuiet(rollout, looked())).toBe(false);
  quiet.note(rollout, looked(), plan);
  expect(quiet.isQuiet(rollout, looked())).toBe(true);
  const others: Partial<LookedAt>[] = [
    { inventory: factsOf({ report: { ...report } }) },
    { inventory: factsOf({ report: null }) },
    { inventory: factsOf({ connected: false }) },
    { inventory: factsOf({ labels: new Map() }) },
    { inventory: factsOf().slice(1) },
    { inventory: factsOf().reverse() },
    { head: 4 },
    { retired: ['#1'] },
  ];
  for (const other of others) expect(quiet.isQuiet(rollout, looked(other))).toBe(false);
  expect(quiet.isQuiet(rolloutOf(planOf()), looked())).toBe(false);
  quiet.keepOnly(new Set());
  expect(quiet.isQuiet(rollout, looked())).toBe(false);
});

test('what still waits for somebody, or for the time, never is', () => {
  const waits = [
    planOf({ status: 'running' }),
    planOf({ status: 'halted' }),
    planOf({ nodes: [{ node: names[0], notYet: { reason: 'disconnected' } }] }),
  ];
  for (const plan of waits) {
    const quiet = new QuietLooks();
    quiet.note(rolloutOf(plan), looked(), plan);
    expect(quiet.isQuiet(rolloutOf(plan), looked())).toBe(false);
  }
  const plan = planOf();
  const quiet = new QuietLooks();
  const urgent = rolloutOf(plan, { breakGlass: { by: 'eve', reason: 'now' } });
  quiet.note(urgent, looked(), plan);
  expect(quiet.isQuiet(urgent, looked())).toBe(false);
  // A look that leads to another plan is looked at again.
  quiet.note(rolloutOf(plan), looked(), planOf());
  expect(quiet.isQuiet(rolloutOf(plan), looked())).toBe(false);
});
