// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseNodeName, type KernelTrouble } from '@lockstep/domain/livepatch-model';
import { explainHalt, explainNotYet } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { byOne, inventory, moved, node, show, strict } from './test-inventory';

const waiting = 'waiting-for-canary';

describe('a plan and those that follow it', () => {
  it('returns the parent itself where nothing has changed', () => {
    const policy = strict;
    const facts = inventory('n1 ready, n2 off, n3 failed>5');
    const first = planRollout({ policy, parent: null, nowMs: 0, inventory: facts });
    expect(planRollout({ policy, parent: first, nowMs: 0, inventory: facts })).toBe(first);
  });

  it('is the same plan in newer words where no decision was made: nodes move, arrive, come, go and say why', () => {
    const policy = byOne;
    const plan = (parent: RolloutPlan | null, facts: string) =>
      planRollout({ policy, parent, nowMs: 0, inventory: inventory(facts) });
    const first = plan(null, 'n1 there, n2 ready, n3 ready');
    const words = [
      'n1 moving>5, n2 moving>5, n3 ready',
      'n1 there, n2 held>5, n3 off',
      'n1 there, n2 moving>5, n3 ready',
    ];
    for (const facts of words) {
      const next = plan(first, facts);
      expect([next === first, next.generation, next.parent]).toEqual([false, 1, null]);
      expect(plan(next, facts)).toBe(next);
    }
    const opened = plan(plan(first, words[0]!), 'n1 there, n2 there, n3 ready');
    expect([opened.generation, opened.parent, moved(opened)]).toEqual([2, 1, 'n3']);
  });

  it('knows its parent again after a database has stored it', () => {
    const policy = strict;
    const facts = inventory('n1 ready, n2 off, n3 ready');
    const first = planRollout({ policy, parent: null, nowMs: 0, inventory: facts });
    const reversed = (_key: string, value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).reverse())
        : value;
    const stored = JSON.parse(JSON.stringify(first, reversed)) as RolloutPlan;
    expect(Object.keys(stored)).not.toEqual(Object.keys(first));
    expect(planRollout({ policy, parent: stored, nowMs: 0, inventory: facts })).toBe(stored);
  });

  it('says since when a node is waited for, for the same reason', () => {
    const policy = strict;
    let parent: RolloutPlan | null = null;
    const since = (nowMs: number, facts: string): number[] => {
      parent = planRollout({ policy, parent, nowMs, inventory: inventory(facts) });
      return parent.nodes.map(({ sinceMs }) => sinceMs);
    };
    expect(since(1, 'n1 ready, n2 off')).toEqual([1, 1]);
    expect(since(2, 'n1 moving@4>5, n2 off')).toEqual([1, 1]);
    expect(since(3, 'n1 there, n2 off')).toEqual([3, 1]);
    expect(since(4, 'n1 there, n2 ready')).toEqual([3, 4]);
    expect(since(5, 'n1 there, n2 moving@4>5, n3 ready')).toEqual([3, 4, 5]);
  });

  it('says of one that is away since when, although that was not planned with at the time', () => {
    const policy = strict;
    const away = { ...node('n1 off'), lastSeenMs: 7 };
    expect(planRollout({ policy, parent: null, nowMs: 9, inventory: [away] }).nodes[0]?.sinceMs).toBe(7);
  });

  it('names ten of those that are waited for, and how many more there are', () => {
    const nodes = Array.from({ length: 10 }, (_, index) => parseNodeName(`n${index}`));
    const plan = { openWave: { wave: 3, bakesUntilMs: null, open: 12, nodes }, halt: null };
    expect(explainNotYet({ reason: 'waiting-for-wave', wave: 3 }, plan)).toBe(
      'Waits for wave 3: n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 2 others.',
    );
  });

  it('opens the next wave when all of one have been there for the bake time; who goes and comes begins it anew', () => {
    const minuteMs = 60_000;
    const policy: RolloutPolicy = { ...byOne, allowedFailures: { percent: 100 }, bakeMs: 10 * minuteMs };
    let parent: RolloutPlan | null = null;
    const at = (minutes: number, facts: string): string => {
      const plan: RolloutPlan = planRollout({ policy, parent, nowMs: minutes * minuteMs, inventory: inventory(facts) });
      parent = plan;
      const { waiting } = plan;
      const until = waiting?.untilMs == null ? '' : ` until ${waiting.untilMs / minuteMs}`;
      return `${show(plan)}: ${waiting?.reason ?? plan.status}${until}`;
    };
    expect(at(0, 'n1 ready, n2 ready')).toBe(`n1/0 moving, n2/1 ${waiting}: wave until 15`);
    expect(at(1, 'n1 there, n2 ready')).toBe(`n1/0 there, n2/1 ${waiting}: bake until 11`);
    expect(at(10, 'n1 there, n2 ready')).toBe(`n1/0 there, n2/1 ${waiting}: bake until 11`);
    expect(at(10.5, 'n1 silent, n2 ready')).toBe(`n1/0 silent, n2/1 ${waiting}: wave until 25.5`);
    expect(at(12, 'n1 there, n2 ready')).toBe(`n1/0 there, n2/1 ${waiting}: bake until 22`);
    expect(at(22, 'n1 there, n2 ready')).toBe('n1/0 there, n2/1 moving: wave until 37');
    expect(at(23, 'n1 there, n2 there')).toBe('n1/0 there, n2/1 there: bake until 33');
    expect(at(33, 'n1 there, n2 there')).toBe('n1/0 there, n2/1 there: succeeded');
  });

  it('is halted by what a kernel complains about after the node was let go, and not by what it had before', () => {
    const complaining = (text: string, id: string, kind: KernelTrouble['kind'] = 'warning'): NodeFacts => {
      const facts = node(text);
      return { ...facts, report: { ...facts.report!, trouble: { id, kind, message: 'WARNING: CPU: 0' } } };
    };
    const plan = (parent: RolloutPlan | null, n1: NodeFacts, policy = strict): RolloutPlan =>
      planRollout({ policy, parent, nowMs: 0, inventory: [n1, node('n2 ready')] });
    const first = plan(null, complaining('n1 ready', 'b/1'));
    expect(show(plan(first, complaining('n1 there', 'b/1')))).toBe('n1/0 there, n2/1 moving');
    const halted = plan(first, complaining('n1 there', 'b/2'));
    expect([show(halted), halted.status]).toEqual(['n1/0 unwell, n2/1 rollout-halted', 'halted']);
    expect(explainNotYet(halted.nodes[0]!.notYet!, halted)).toMatch(/complained since it was let go: WARNING: CPU: 0/);
    // An oops halts it whatever may fail.
    const lenient = { ...strict, allowedFailures: { percent: 100 } };
    const { halt } = plan(first, complaining('n1 there', 'b/2', 'oops'), lenient);
    expect(halt).toEqual({ reason: 'crash', nodes: ['n1'], oopsed: ['n1'] });
    // Nobody looks for a host that is there.
    expect(explainHalt(halt!)).toBe('A kernel had an oops since, which its host has survived: n1.');
  });

  it('says who is waited for, and who made it halt', () => {
    const policy = byOne;
    const first = planRollout({ policy, parent: null, nowMs: 0, inventory: inventory('n1 ready, n2 ready, n3 ready') });
    expect(first.nodes[1]?.notYet).toEqual({ reason: 'waiting-for-canary' });
    expect(first.openWave).toEqual({ wave: 0, bakesUntilMs: null, open: 1, nodes: ['n1'] });
    const second = planRollout({
      policy,
      parent: first,
      nowMs: 0,
      inventory: inventory('n1 there, n2 ready, n3 ready'),
    });
    expect(second.nodes[2]?.notYet).toEqual({ reason: 'waiting-for-wave', wave: 1 });
    expect(second.openWave).toEqual({ wave: 1, bakesUntilMs: null, open: 1, nodes: ['n2'] });
    const third = planRollout({
      policy,
      parent: second,
      nowMs: 0,
      inventory: inventory('n1 there, n2 failed>5, n3 ready'),
    });
    expect(third.halt).toEqual({
      ...{ reason: 'failures', wave: 1, failures: 1, allowed: 0, planned: 1 },
      nodes: ['n2'],
    });
    expect(third.nodes.map(({ notYet }) => notYet)).toEqual([
      null,
      { reason: 'failed', problem: 'insmod said no' },
      { reason: 'rollout-halted' },
    ]);
  });
});
