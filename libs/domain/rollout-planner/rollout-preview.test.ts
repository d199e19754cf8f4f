// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { EntryBody, LogEntry } from '@lockstep/domain/load-order';
import { parseTimes, type Schedule } from '@lockstep/domain/schedule';
import { planRollout } from './plan-rollout';
import type { RolloutPolicy } from './rollout-policy';
import { changesSince, previewRollout, previewText, type RolloutPreview } from './rollout-preview';
import { inventory, strict } from './test-inventory';

const load = (name: string, functions: string): object => ({
  kind: 'load',
  artifact: {
    ...{ moduleName: `lockstep_${name}`, sha256: name, replace: false },
    functions: Array.from(functions, (each) => ({ object: 'vmlinux', name: each, sympos: 0 })),
  },
});

const bodies = [load('a', 'abc'), load('b', 'ad'), load('c', 'x'), load('e', 'y'), { kind: 'retire', retires: 3 }];
const entries = bodies.map((body, index) => ({
  ...{ seq: index + 1, hash: `hash ${index + 1}` },
  body: body as EntryBody,
})) as LogEntry[];

function preview(facts: string, over: Partial<RolloutPolicy> = {}, schedule?: Schedule): RolloutPreview {
  const policy = { ...strict, toSeq: parseSeq(5), ...over };
  const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: inventory(facts), schedule });
  return previewRollout(policy, plan, entries, schedule);
}

test('what each node will unload and load, from where it is, who is left out and why, and what will run in part', () => {
  const { nodes, torn } = preview('n1 ready@4, n2 ready@1, n3 diverged@2');
  expect(nodes).toEqual([
    {
      ...{ node: 'n1', wave: 0, position: 4, leftOut: null },
      unloads: ['lockstep_e', 'lockstep_c'],
      loads: ['lockstep_e'],
    },
    { ...{ node: 'n2', wave: 1, position: 1, leftOut: null }, unloads: [], loads: ['lockstep_b', 'lockstep_e'] },
    {
      ...{ node: 'n3', wave: 1, position: 2, unloads: [], loads: ['lockstep_e'] },
      leftOut: expect.stringMatching(/^Held out, its kernel holds what is not in the load order/),
    },
  ]);
  expect(torn.map(({ id }) => id)).toEqual([1]);
});

test.each([
  ['n1 ready@4, n2 ready@1', {}, []],
  ['n1 ready@4, n2 ready@1, n3 ready@1', {}, ['n3 has come.']],
  ['n1 ready@4', {}, ['n2 has left.']],
  ['n1 ready@4, n2 ready@2', {}, ['n2 is at position 2, not 1.']],
  ['n1 off@4, n2 ready@1', {}, ['n2 is in the canaries, not in wave 1.', expect.stringMatching(/^n1: Not connected/)]],
])('%s: a plan is the same, by its text, or says what has changed', (facts, over, changes) => {
  const shown = preview('n1 ready@4, n2 ready@1');
  const now = preview(facts, over);
  expect(changesSince(shown, now)).toEqual(changes);
  expect(previewText(now) === previewText(shown)).toBe(changes.length === 0);
});

test('other rules are another plan', () => {
  const facts = 'n1 ready@4, n2 ready@1';
  const texts = [{}, { bakeMs: 1 }, { canaries: 2 }, { atOnce: { nodes: 1 } }, { allowedFailures: { nodes: 1 } }];
  expect(new Set(texts.map((over) => previewText(preview(facts, over)))).size).toBe(texts.length);
});

test('time alone makes no other plan: a node that is away when it is shown may be away for longer when it begins', () => {
  const away = inventory('n1 ready@4, n2 off@1').map((facts) => ({ ...facts, lastSeenMs: 0 }));
  const policy = { ...strict, toSeq: parseSeq(5) };
  const [shown, later] = [1, 2].map((times) => {
    const plan = planRollout({ policy, parent: null, nowMs: times * policy.deadlineMs - 1, inventory: away });
    return previewText(previewRollout(policy, plan, entries));
  });
  expect(later).toBe(shown);
});

const night = {
  ...{ name: 'night', selector: '' },
  ...parseTimes({ zone: 'UTC', days: ['sat'], start: '02:00', lengthMs: 3_600_000, cutoffMs: 0 }),
};
const fair = { name: 'fair', selector: '', fromMs: 1, untilMs: 2, reason: '' };

test.each<[string, Schedule, string[]]>([
  ['the same', { windows: [night], freezes: [] }, []],
  ['a freeze more', { windows: [night], freezes: [fair] }, ['freeze "fair" has been added.']],
  ['an hour later', { windows: [{ ...night, startMinute: 180 }], freezes: [] }, ['window "night" is another one.']],
  ['no window any more', { windows: [], freezes: [] }, ['window "night" was removed.']],
])('when loads may begin is a part of what was shown: %s', (_, schedule, changes) => {
  const facts = 'n1 ready@4, n2 ready@1';
  const shown = preview(facts, {}, { windows: [night], freezes: [] });
  const now = preview(facts, {}, schedule);
  expect(changesSince(shown, now)).toEqual(changes);
  expect(previewText(now) === previewText(shown)).toBe(changes.length === 0);
});

test('an emergency asks no window, so none makes it another plan', () => {
  const breakGlass = { by: 'person:ada', reason: 'x' };
  const [shown, now] = [[night], []].map((windows) =>
    previewText(preview('n1 ready@4', { breakGlass }, { windows, freezes: [] })),
  );
  expect(now).toBe(shown);
});
