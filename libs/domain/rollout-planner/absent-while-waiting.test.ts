// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseTimes, weekdays, type Schedule } from '@lockstep/domain/schedule';
import { explainWaiting } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { inventory, moved, strict } from './test-inventory';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const approvals = { needed: 1, among: [], author: 'person:a', validMs: 24 * hourMs };
const policy: RolloutPolicy = { ...strict, deadlineMs: 10 * minuteMs };

/** Loads may begin from 02:00 UTC on, each day. */
const nightly: Schedule = {
  windows: [
    {
      ...{ name: 'night', selector: '' },
      ...parseTimes({ zone: 'UTC', days: [...weekdays], start: '02:00', lengthMs: hourMs, cutoffMs: 0 }),
    },
  ],
  freezes: [],
};

test('who waits for approval waits for it, however long its nodes are away: nobody has tried anything', () => {
  const asked = { ...policy, approvals };
  const first = planRollout({ policy: asked, parent: null, nowMs: 0, inventory: inventory('n1 ready, n2 ready') });
  const away = planRollout({
    ...{ policy: asked, parent: first, nowMs: minuteMs },
    inventory: inventory('n1 off, n2 off'),
  });
  const later = planRollout({ policy: asked, parent: away, nowMs: hourMs, inventory: inventory('n1 off, n2 off') });
  expect([later.status, later.halt, later.waiting?.reason]).toEqual(['running', null, 'approval']);
  const approved = planRollout({
    ...{ policy: asked, parent: later, nowMs: hourMs, inventory: inventory('n1 ready, n2 ready') },
    order: { kind: 'approve', reason: '', by: 'person:b', hash: later.approvals!.hash },
  });
  expect([approved.status, moved(approved)]).toEqual(['running', 'n1']);
});

test('who waits for a window waits for it, and says so, however long its nodes are away; then it is judged', () => {
  let parent: RolloutPlan | null = null;
  const at = (nowMs: number, facts: string): RolloutPlan => {
    parent = planRollout({ policy, parent, nowMs, inventory: inventory(facts), schedule: nightly });
    return parent;
  };
  at(0, 'n1 ready, n2 ready');
  at(minuteMs, 'n1 off, n2 off');
  const later = at(hourMs, 'n1 off, n2 off');
  expect([later.status, later.halt, later.waiting?.reason, later.waiting?.untilMs]).toEqual([
    ...['running', null],
    ...['window', 2 * hourMs],
  ]);
  expect(explainWaiting(later.waiting!, later)).toContain('window "night" opens');
  expect(moved(at(2 * hourMs, 'n1 ready, n2 off'))).toBe('n1');
});

test('a paused one waits for whoever paused it', () => {
  const asked = { ...policy, approvals };
  const first = planRollout({ policy: asked, parent: null, nowMs: 0, inventory: inventory('n1 ready') });
  const paused = planRollout({
    ...{ policy: asked, parent: first, nowMs: 1, inventory: inventory('n1 off') },
    order: { kind: 'pause', reason: '' },
  });
  const later = planRollout({ policy: asked, parent: paused, nowMs: hourMs, inventory: inventory('n1 off') });
  expect([later.status, later.waiting?.reason]).toEqual(['paused', 'paused']);
});
