// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { RolloutMessage, RolloutStatus, Session } from '../api/schemas';
import { orders, whyNotOrder, whyNotWord } from './orders';

const node = (reason: string) => ({ node: 'n1', awaited: true, notYet: { reason } });
const running = (...reasons: string[]): RolloutMessage => ({
  status: 'ROLLOUT_STATUS_RUNNING',
  nodes: reasons.map(node),
});

describe('what an operator may say to a rollout', () => {
  test.each(['disconnected', 'moving', 'waiting-for-wave', 'quarantined', 'obstructed'])(
    'a node that is %s is not tried again',
    (reason) => {
      expect(whyNotOrder('retry', running(reason))).toBe('No node has failed that could be tried again.');
    },
  );

  test.each(['failed', 'unwell', 'overdue', 'unreachable', 'lost'])('one that is %s is', (reason) => {
    expect(whyNotOrder('retry', running('disconnected', reason))).toBeUndefined();
  });

  test('depends on how it is, and of a success what failed may be tried again', () => {
    const possible = (status: RolloutStatus) =>
      orders.filter((kind) => whyNotOrder(kind, { status, nodes: [node('failed')] }) === undefined);
    expect(possible('ROLLOUT_STATUS_RUNNING')).toEqual(['pause', 'retry', 'abort']);
    expect(possible('ROLLOUT_STATUS_PAUSED')).toEqual(['resume', 'retry', 'abort']);
    expect(possible('ROLLOUT_STATUS_HALTED')).toEqual(['resume', 'abort']);
    expect(possible('ROLLOUT_STATUS_SUCCEEDED')).toEqual(['retry']);
    expect(possible('ROLLOUT_STATUS_ABORTED')).toEqual([]);
    expect(possible('ROLLOUT_STATUS_SUPERSEDED')).toEqual([]);
  });

  test('what was retired meanwhile is not resumed', () => {
    const halted = { status: 'ROLLOUT_STATUS_HALTED', halt: { reason: 'retired' } } as const;
    expect(whyNotOrder('resume', halted)).toContain('roll it back');
  });
});

describe('whose word counts', () => {
  const identityOf = (name: string, kind: 'person' | 'service' = 'person'): Session['identity'] => ({
    ...{ name, kind, roles: [], everywhere: true, clusters: [], selector: '', session: '' },
  });
  const at = (minute: number) => new Date(minute * 60_000).toISOString();
  const approvals = {
    ...{ needed: 2, author: 'person:ada', planHash: 'h' },
    all: [
      { by: 'person:bob', givenAt: at(0), expiresAt: at(10), ofThisPlan: true },
      { by: 'person:carol', givenAt: at(0), expiresAt: at(10) },
    ],
  };
  const rollout = { ...running(), approvals };
  const word = (name: string, minute: number, some: object = {}, kind: 'person' | 'service' = 'person') =>
    whyNotWord(
      'approve',
      { ...rollout, approvals: { ...approvals, ...some } },
      { identity: identityOf(name, kind) },
      minute * 60_000,
    );

  test('never the author’s, nor a program’s, nor twice for one plan', () => {
    expect(word('ada', 1)).toContain('You asked for this rollout');
    expect(word('bob', 1)).toContain('You have approved this plan already');
    expect(word('bob', 1, {}, 'service')).toContain('people approve');
    expect(word('dave', 1)).toBeUndefined();
  });

  test('again where it was for another plan, or has expired', () => {
    expect(word('carol', 1)).toBeUndefined();
    expect(word('bob', 10)).toBeUndefined();
  });

  test('of those alone whom the cluster names, and only until something has begun', () => {
    expect(word('dave', 1, { approvers: ['person:bob'] })).toBe('Only these approve here: person:bob.');
    expect(word('dave', 1, { begun: true })).toContain('nobody’s approval');
    expect(whyNotWord('reject', running(), { identity: identityOf('dave') }, 0)).toContain('nobody’s approval');
  });
});
