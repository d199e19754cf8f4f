// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseClusterName, parseNodeName } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import {
  matchesFilter,
  nodeEvents,
  parseEventFilter,
  rolloutEvents,
  toldConditionOf,
  type EventType,
  type NodeCondition,
  type ShownRollout,
} from './index';

const cluster = parseClusterName('web');
const node = (name: string, wave: number, released: boolean, notYet?: string) => ({
  ...{ node: parseNodeName(name), wave, released, notYet },
});
const rollout = (over: Partial<ShownRollout> = {}): ShownRollout => ({
  ...{ id: 'r1', cluster, toSeq: 2, status: 'running', generation: 1 },
  nodes: [node('n1', 0, true), node('n2', 1, false, 'waiting-for-canary')],
  ...over,
});
const typesOf = (shown: ShownRollout, before: readonly EventType[] = []): string[] =>
  rolloutEvents(shown, before).map(({ type }) => type);

describe('a rollout', () => {
  it('tells its beginning, the waves that are open, and each change of its status', () => {
    expect(typesOf(rollout())).toEqual(['rollout.started', 'rollout.wave-opened']);
    const halted = rolloutEvents(rollout({ status: 'halted', generation: 4 }), ['rollout.started']);
    expect(halted.at(-1)).toMatchObject({
      ...{ key: 'rollout r1 halted 4', type: 'rollout.halted', cluster, subject: 'r1' },
      message: 'Rollout r1 of web to #2 was halted: 1 of 2 nodes there.',
      data: { rollout: 'r1', toSeq: 2, there: 1, notThere: ['n2'] },
    });
    expect(typesOf(rollout({ status: 'halted', generation: 9 }), ['rollout.started', 'rollout.halted'])).toHaveLength(
      2,
    );
  });

  it('tells of an emergency by itself, with who and why, and of who has confirmed it', () => {
    const breakGlass = { by: 'person:alice', reason: 'it is exploited.', confirmedBy: undefined };
    const [, broken] = rolloutEvents(rollout({ breakGlass }), []);
    expect(broken).toMatchObject({
      ...{ key: 'rollout r1 break-glass', type: 'rollout.break-glass', subject: 'r1' },
      message:
        'person:alice broke the glass: rollout r1 of web to #2 skips windows, approvals and bake time: it is exploited. ' +
        'Somebody else is asked to confirm it: lockstep rollout confirm r1',
      data: { by: 'person:alice', reason: 'it is exploited.' },
    });
    expect(typesOf(rollout({ breakGlass: { ...breakGlass, confirmedBy: 'person:bob' } }))).toContain(
      'rollout.confirmed',
    );
  });

  it('tells it anew when it goes on and halts again', () => {
    const before: EventType[] = ['rollout.started', 'rollout.halted'];
    expect(typesOf(rollout(), before).at(-1)).toBe('rollout.resumed');
    const again = rolloutEvents(rollout({ status: 'halted', generation: 7 }), [...before, 'rollout.resumed']);
    expect(again.at(-1)?.key).toBe('rollout r1 halted 7');
  });

  it('tells what it missed while nobody looked, and nothing twice', () => {
    const done = rollout({ status: 'succeeded', nodes: [node('n1', 0, true), node('n2', 1, true)] });
    const first = rolloutEvents(done, []);
    expect(first.map(({ key }) => key)).toEqual([
      'rollout r1 started',
      'rollout r1 wave 0',
      'rollout r1 wave 1',
      'rollout r1 succeeded 1',
    ]);
    // A wave that opened after the halt was told of changes nothing of that.
    expect(typesOf(rollout({ status: 'halted' }), ['rollout.halted', 'rollout.wave-opened'])).not.toContain(
      'rollout.halted',
    );
    expect(
      rolloutEvents(
        done,
        first.map(({ type }) => type),
      ).map(({ key }) => key),
    ).toEqual(first.slice(0, -1).map(({ key }) => key));
  });
});

describe('a node', () => {
  const shown = (condition: NodeCondition) => ({
    ...{ node: parseNodeName('n1'), cluster, condition, problem: 'No room.', position: 3 },
  });

  it('is told of once for each change', () => {
    expect(nodeEvents(shown('well'), 'well', 1)).toEqual([]);
    const [failed] = nodeEvents(shown('failed'), 'well', 1);
    expect(failed).toMatchObject({ key: 'node n1 after 1', type: 'node.failed', message: 'Node n1: No room.' });
    expect(nodeEvents(shown('failed'), toldConditionOf(failed?.type), 2)).toEqual([]);
    expect(nodeEvents(shown('well'), 'failed', 2)[0]).toMatchObject({
      type: 'node.recovered',
      data: { before: 'failed' },
    });
  });

  it('whatever becomes of it, ends told as it is, in as many events as there were changes', () => {
    const condition = fc.constantFrom<NodeCondition>('well', 'failed', 'quarantined', 'diverged', 'lost');
    fc.assert(
      fc.property(fc.array(condition), (history) => {
        const told: EventType[] = [];
        for (const each of history) {
          told.push(...nodeEvents(shown(each), toldConditionOf(told.at(-1)), told.length).map(({ type }) => type));
        }
        const changes = history.filter((each, at) => each !== (history[at - 1] ?? 'well')).length;
        expect([told.length, toldConditionOf(told.at(-1))]).toEqual([changes, history.at(-1) ?? 'well']);
      }),
    );
  });
});

describe('a filter', () => {
  it.each([
    [[], 'node.failed', true],
    [['node.failed'], 'node.failed', true],
    [['node.failed'], 'node.lost', false],
    [['rollout.*', 'node.lost'], 'node.lost', true],
    [['rollout.*'], 'rollout.halted', true],
    [['rollout.*'], 'node.lost', false],
  ] as const)('%j and %s: %s', (types, type, expected) => {
    expect(matchesFilter(parseEventFilter(types, undefined), { type, cluster })).toBe(expected);
  });

  it('by cluster lets pass what is of no cluster', () => {
    const filter = parseEventFilter([], cluster);
    const other = parseClusterName('db');
    const passes = [cluster, other, null].map((each) =>
      matchesFilter(filter, { type: 'patch.submitted', cluster: each }),
    );
    expect(passes).toEqual([true, false, true]);
  });

  it.each(['node', 'node.', 'nope.*', '*', 'node.Failed'])('is not "%s", and says what it may be', (text) => {
    expect(() => parseEventFilter([text], undefined)).toThrow(/is no type of event: use rollout\.started/);
  });
});
