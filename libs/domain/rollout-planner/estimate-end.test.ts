// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseLabels } from '@lockstep/domain/labels';
import { parseNodeName, type NodeName } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, parseTimes, weekdays, type Schedule } from '@lockstep/domain/schedule';
import fc from 'fast-check';
import { estimateEnd, type EstimatedEnd } from './estimate-end';
import { planRollout } from './plan-rollout';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { byOne, inventory, strict } from './test-inventory';

const minuteMs = 60_000;
const noon = Date.parse('2026-11-29T12:00Z');

interface Setting {
  readonly schedule?: Schedule;
  /** As `n1 90`, in seconds. */
  readonly took?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function estimate(
  policy: RolloutPolicy,
  facts: readonly NodeFacts[],
  { schedule = alwaysOpen, took = '', labels = {} }: Setting = {},
): EstimatedEnd {
  const labelled = facts.map((each) => ({ ...each, labels: parseLabels(labels[each.node] ?? '') }));
  const plan = planRollout({ policy, parent: null, nowMs: noon, inventory: labelled, schedule });
  const tookMs = new Map(
    (took === '' ? [] : took.split(', ')).map((each): [NodeName, number] => {
      const [name = '', seconds] = each.split(' ');
      return [parseNodeName(name), Number(seconds) * 1_000];
    }),
  );
  const its = new Map(labelled.map((each) => [each.node, each.labels]));
  return estimateEnd({ policy, plan, schedule, labels: its, clockMs: noon, tookMs });
}

const inMinutes = (ms: number | null): number | null => (ms === null ? null : (ms - noon) / minuteMs);

const window = (name: string, start: string, hours: number, selector = ''): Schedule['windows'][number] => ({
  ...{ name, selector },
  ...parseTimes({ zone: 'UTC', days: [...weekdays], start, lengthMs: hours * 60 * minuteMs, cutoffMs: 0 }),
});

test('bake times of all waves are what it takes at least; how long loads take is told as unknown', () => {
  const end = estimate({ ...byOne, bakeMs: 10 * minuteMs }, inventory('n1 ready, n2 ready, n3 ready'));
  expect([inMinutes(end.notBeforeMs), end.likelyMs]).toEqual([30, null]);
  expect(end.unknown.join('\n')).toMatch(/no rollout has brought any of them anywhere yet/);
});

test('nodes that were brought somewhere before take as long again, the others as long as most; at once goes what may', () => {
  const policy = { ...strict, canaries: 1, atOnce: { nodes: 2 } };
  const facts = inventory('n1 ready, n2 ready, n3 ready, n4 ready, n5 ready');
  const end = estimate(policy, facts, { took: 'n1 60, n2 60, n3 90' });
  // The canary; then n2 and n3, n4 after n2, n5 after n3.
  expect([inMinutes(end.notBeforeMs), inMinutes(end.likelyMs)]).toEqual([0, 1 + 2.5]);
});

test('windows are waited for, and what does not begin before one closes begins in the next', () => {
  const schedule = { windows: [window('night', '22:00', 2)], freezes: [] };
  const facts = inventory('n1 ready, n2 ready');
  const quick = estimate({ ...byOne, bakeMs: 30 * minuteMs }, facts, { schedule });
  expect(inMinutes(quick.notBeforeMs)).toBe(10 * 60 + 60);
  const slow = estimate({ ...byOne, bakeMs: 3 * 60 * minuteMs }, facts, { schedule });
  expect(inMinutes(slow.notBeforeMs)).toBe(34 * 60 + 180);
});

test('of a failure domain as many go as may, and an emergency waits for no window', () => {
  const schedule = { windows: [window('night', '22:00', 2)], freezes: [] };
  const facts = inventory('n1 ready, n2 ready, n3 ready, n4 ready');
  const labels = { n1: 'zone=a', n2: 'zone=b', n3: 'zone=b', n4: 'zone=b' };
  const spread = { label: 'zone', atMost: { nodes: 1 } };
  const took = 'n1 60, n2 60, n3 60, n4 60';
  expect(inMinutes(estimate({ ...strict, spread }, facts, { labels, took }).likelyMs)).toBe(1 + 3);
  const breakGlass = { by: 'person:a', reason: 'x' };
  expect(inMinutes(estimate({ ...strict, breakGlass }, facts, { schedule }).notBeforeMs)).toBe(0);
});

test('who is there or away takes no time, and who is away is named as what nobody knows', () => {
  const end = estimate({ ...strict, bakeMs: minuteMs }, inventory('n1 there, n2 there, n3 off'), { took: 'n1 600' });
  expect([inMinutes(end.notBeforeMs), inMinutes(end.likelyMs)]).toEqual([2, 2]);
  expect(end.unknown.join('\n')).toMatch(/away or held out, which it waits for up to 15 minutes: n3/);
});

/** Nodes that arrive as soon as they are sent: the planner itself, from moment to moment. */
function played(policy: RolloutPolicy, names: readonly string[], schedule: Schedule, stepMs: number): number {
  const there = new Set<NodeName>();
  let plan: RolloutPlan | null = null;
  for (let nowMs = noon; nowMs < noon + 7 * 24 * 60 * minuteMs; nowMs += stepMs) {
    for (let before: RolloutPlan | null = null; plan === null || plan !== before;) {
      const line: string[] = names.map((name) => `${name} ${there.has(parseNodeName(name)) ? 'there' : 'ready'}`);
      before = plan;
      plan = planRollout({ policy, parent: plan, nowMs, inventory: inventory(line.join(', ')), schedule });
      for (const { node } of plan.moves) there.add(node);
    }
    if (plan.status === 'succeeded') return nowMs;
  }
  return Infinity;
}

test('it is as the planner would do it: never later than what really happens at best, and no more than a look earlier', () => {
  const stepMs = 5 * minuteMs;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 23 }),
      fc.boolean(),
      (nodes, wave, bakes, hour, hasWindow) => {
        const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
        const policy = { ...strict, waves: [{ nodes: wave }], bakeMs: bakes * stepMs };
        const start = `${String(hour).padStart(2, '0')}:00`;
        const schedule = hasWindow ? { windows: [window('w', start, 1)], freezes: [] } : alwaysOpen;
        const end = estimate(policy, inventory(names.map((name) => `${name} ready`).join(', ')), { schedule });
        expect(played(policy, names, schedule, stepMs)).toBe(end.notBeforeMs);
      },
    ),
    { numRuns: 25 },
  );
});
