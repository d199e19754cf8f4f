// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { planRollout } from './plan-rollout';
import type { PlanStatus, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { inventory, moved, show, strict } from './test-inventory';

type Step = readonly [facts: string, plan: string, moves: string, status?: PlanStatus];

interface Case {
  readonly title: string;
  readonly policy?: Partial<RolloutPolicy>;
  readonly steps: readonly Step[];
}

const waiting = 'waiting-for-canary';

const cases: readonly Case[] = [
  {
    title: 'one canary, then all the others at once',
    steps: [
      ['n1 ready, n2 ready, n3 ready', `n1/0 moving, n2/1 ${waiting}, n3/1 ${waiting}`, 'n1'],
      ['n1 moving>5, n2 ready, n3 ready', `n1/0 moving, n2/1 ${waiting}, n3/1 ${waiting}`, ''],
      ['n1 there, n2 ready, n3 ready', 'n1/0 there, n2/1 moving, n3/1 moving', 'n2 n3'],
      ['n1 there, n2 there, n3 moving>5', 'n1/0 there, n2/1 there, n3/1 moving', ''],
      ['n1 there, n2 there, n3 there', 'n1/0 there, n2/1 there, n3/1 there', '', 'succeeded'],
    ],
  },
  {
    title: 'waves of one after two canaries',
    policy: { canaries: 2, waves: [{ nodes: 1 }] },
    steps: [
      ['n1 ready, n2 ready, n3 ready, n4 ready', `n1/0 moving, n2/0 moving, n3/1 ${waiting}, n4/2 ${waiting}`, 'n1 n2'],
      ['n1 there, n2 moving>5, n3 ready, n4 ready', `n1/0 there, n2/0 moving, n3/1 ${waiting}, n4/2 ${waiting}`, ''],
      ['n1 there, n2 there, n3 ready, n4 ready', 'n1/0 there, n2/0 there, n3/1 moving, n4/2 waiting-for-wave', 'n3'],
      ['n1 there, n2 there, n3 there, n4 ready', 'n1/0 there, n2/0 there, n3/1 there, n4/2 moving', 'n4'],
    ],
  },
  {
    title: 'a move is sent again until the agent has journaled it',
    steps: [
      ['n1 ready', 'n1/0 moving', 'n1'],
      ['n1 ready', 'n1/0 moving', 'n1'],
      ['n1 moving>5', 'n1/0 moving', ''],
    ],
  },
  {
    title: 'a node that is off blocks nobody and is brought there when it returns',
    steps: [
      ['n1 ready, n2 off, n3 ready', `n1/0 moving, n2/1 disconnected, n3/1 ${waiting}`, 'n1'],
      ['n1 there, n2 off, n3 ready', 'n1/0 there, n2/1 disconnected, n3/1 moving', 'n3'],
      ['n1 there, n2 off, n3 there', 'n1/0 there, n2/1 disconnected, n3/1 there', ''],
      ['n1 there, n2 ready, n3 there', 'n1/0 there, n2/1 moving, n3/1 there', 'n2'],
      ['n1 there, n2 there, n3 there', 'n1/0 there, n2/1 there, n3/1 there', '', 'succeeded'],
    ],
  },
  {
    title: 'a canary that is off is replaced, also when it goes before its release',
    steps: [
      ['n1 off, n2 off', 'n1/0 disconnected, n2/1 disconnected', ''],
      ['n1 off, n2 ready', 'n1/0 disconnected, n2/0 moving', 'n2'],
    ],
  },
  {
    title: 'a canary lost on its way is a failure: where none may fail it halts, for good also when it returns',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 off, n2 ready', 'n1/0 lost, n2/1 rollout-halted', '', 'halted'],
      ['n1 there, n2 ready', 'n1/0 there, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'so is one lost after it arrived',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 off@5, n2 ready', 'n1/0 lost, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'as many of a wave as may be lost are left behind, and taken up again when they return; one more halts it',
    policy: { waves: [{ nodes: 2 }], allowedFailures: { nodes: 1 } },
    steps: [
      [
        'n1 there, n2 ready, n3 ready, n4 ready',
        'n1/0 there, n2/1 moving, n3/1 moving, n4/2 waiting-for-wave',
        'n2 n3',
      ],
      ['n1 there, n2 off, n3 moving>5, n4 ready', 'n1/0 there, n2/1 lost, n3/1 moving, n4/2 waiting-for-wave', ''],
      ['n1 there, n2 off, n3 there, n4 ready', 'n1/0 there, n2/1 lost, n3/1 there, n4/2 moving', 'n4'],
      ['n1 there, n2 ready, n3 there, n4 ready', 'n1/0 there, n2/1 moving, n3/1 there, n4/2 moving', 'n2 n4'],
      ['n1 there, n2 off, n3 off, n4 ready', 'n1/0 there, n2/1 lost, n3/1 lost, n4/2 moving', '', 'halted'],
    ],
  },
  {
    title: 'a wave that is lost but for one opens no other',
    policy: { waves: [{ nodes: 2 }], allowedFailures: { percent: 49 } },
    steps: [
      [
        'n1 there, n2 ready, n3 ready, n4 ready',
        'n1/0 there, n2/1 moving, n3/1 moving, n4/2 waiting-for-wave',
        'n2 n3',
      ],
      ['n1 there, n2 off, n3 there, n4 ready', 'n1/0 there, n2/1 lost, n3/1 there, n4/2 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'a percentage that may fail is compared in whole numbers: half of two is one',
    policy: { waves: [{ nodes: 2 }], allowedFailures: { percent: 50 } },
    steps: [
      [
        'n1 there, n2 ready, n3 ready, n4 ready',
        'n1/0 there, n2/1 moving, n3/1 moving, n4/2 waiting-for-wave',
        'n2 n3',
      ],
      ['n1 there, n2 failed>5, n3 there, n4 ready', 'n1/0 there, n2/1 failed, n3/1 there, n4/2 moving', 'n4'],
    ],
  },
  {
    title: 'failures burn what may go on at once: the wave slows down before it halts',
    policy: { waves: [{ nodes: 4 }], atOnce: { percent: 50 }, allowedFailures: { nodes: 1 } },
    steps: [
      [
        'n0 there, n1 ready, n2 ready, n3 ready, n4 ready',
        'n0/0 there, n1/1 moving, n2/1 moving, n3/1 waiting-for-budget, n4/1 waiting-for-budget',
        'n1 n2',
      ],
      [
        'n0 there, n1 failed>5, n2 there, n3 ready, n4 ready',
        'n0/0 there, n1/1 failed, n2/1 there, n3/1 moving, n4/1 waiting-for-budget',
        'n3',
      ],
      [
        'n0 there, n1 there, n2 there, n3 moving>5, n4 ready',
        'n0/0 there, n1/1 there, n2/1 there, n3/1 moving, n4/1 moving',
        'n4',
      ],
    ],
  },
  {
    title: 'a host that did not survive halts it, whatever may fail',
    policy: { allowedFailures: { percent: 100 } },
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 quarantined>5, n2 ready', 'n1/0 quarantined, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'a wave of which nobody arrives halts, whatever may fail',
    policy: { allowedFailures: { percent: 100 } },
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 failed>5, n2 ready', 'n1/0 failed, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'a node that can take no target any more fails, although it never acknowledged this one',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 damaged, n2 ready', 'n1/0 failed, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'one that could take none before it may move holds nobody up, is named, and goes on when it is mended',
    steps: [
      ['n1 damaged, n2 ready, n3 ready', `n1/1 failed, n2/0 moving, n3/1 ${waiting}`, 'n2'],
      ['n1 damaged, n2 there, n3 damaged', 'n1/1 failed, n2/0 there, n3/1 failed', ''],
      ['n1 ready, n2 there, n3 damaged', 'n1/1 moving, n2/0 there, n3/1 failed', 'n1'],
      ['n1 there, n2 there, n3 ready', 'n1/1 there, n2/0 there, n3/1 moving', 'n3'],
      ['n1 there, n2 there, n3 there', 'n1/1 there, n2/0 there, n3/1 there', '', 'succeeded'],
    ],
  },
  {
    title: 'nobody is only on its way who cannot get on: it is named, and waited for',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 held>5, n2 ready', `n1/0 stuck, n2/1 ${waiting}`, ''],
      ['n1 failed>4, n2 ready', `n1/0 stuck, n2/1 ${waiting}`, 'n1'],
      ['n1 silent, n2 ready', `n1/0 silent, n2/1 ${waiting}`, 'n1'],
      ['n1 there, n2 ready', 'n1/0 there, n2/1 moving', 'n2'],
    ],
  },
  {
    title: 'a failure halts for good: nothing further is started',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 failed>5, n2 ready', 'n1/0 failed, n2/1 rollout-halted', '', 'halted'],
      ['n1 there, n2 ready', 'n1/0 there, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'a node that did not survive the position halts it as any failure does; one that retires the entry goes on',
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 quarantined>5, n2 ready', 'n1/0 quarantined, n2/1 rollout-halted', '', 'halted'],
    ],
  },
  {
    title: 'a node that is quarantined at an earlier target may be cured by this one, but goes late',
    steps: [
      ['n1 quarantined@3>4, n2 ready', `n1/1 ${waiting}, n2/0 moving`, 'n2'],
      ['n1 quarantined@3>4, n2 there', 'n1/1 moving, n2/0 there', 'n1'],
      ['n1 there, n2 there', 'n1/1 there, n2/0 there', '', 'succeeded'],
    ],
  },
  {
    title: 'a node that had failed at this target already does not halt a new try, until it fails anew',
    steps: [
      ['n1 failed>5, n2 ready, n3 ready', `n1/1 failed, n2/0 moving, n3/1 ${waiting}`, 'n2'],
      ['n1 failed>5, n2 there, n3 ready', 'n1/1 failed, n2/0 there, n3/1 moving', 'n3'],
      ['n1 moving>5, n2 there, n3 there', 'n1/1 moving, n2/0 there, n3/1 there', ''],
      ['n1 failed>5, n2 there, n3 there', 'n1/1 failed, n2/0 there, n3/1 there', '', 'halted'],
    ],
  },
  {
    title: 'a node that failed at an earlier target may be cured by this one, but goes late',
    steps: [
      ['n1 failed@3>4, n2 ready', `n1/1 ${waiting}, n2/0 moving`, 'n2'],
      ['n1 failed@3>4, n2 there', 'n1/1 moving, n2/0 there', 'n1'],
    ],
  },
  {
    title: 'a node whose word cannot be believed is held out, whatever it says, and no other',
    steps: [
      ['n1 implausible@9>9, n2 ready, n3 ready', `n1/1 implausible, n2/0 moving, n3/1 ${waiting}`, 'n2'],
      ['n1 implausible@5>5, n2 there, n3 ready', 'n1/1 implausible, n2/0 there, n3/1 moving', 'n3'],
      ['n1 implausible@5>5, n2 there, n3 there', 'n1/1 implausible, n2/0 there, n3/1 there', ''],
      ['n1 ready, n2 there, n3 there', 'n1/1 moving, n2/0 there, n3/1 there', 'n1'],
    ],
  },
  {
    title: 'diverged, forked and silent nodes are held out and keep it from succeeding',
    policy: { canaries: 1 },
    steps: [
      ['n1 diverged, n2 forked, n3 silent, n4 ready', 'n1/1 diverged, n2/1 forked, n3/1 silent, n4/0 moving', 'n4'],
      ['n1 diverged, n2 forked, n3 silent, n4 there', 'n1/1 diverged, n2/1 forked, n3/1 silent, n4/0 there', ''],
      ['n1 ready, n2 ready, n3 ready, n4 there', 'n1/1 moving, n2/1 moving, n3/1 moving, n4/0 there', 'n1 n2 n3'],
    ],
  },
  {
    title: 'a diverged node is not there, whatever its position',
    steps: [['n1 diverged@5, n2 there', 'n1/1 diverged, n2/0 there', '']],
  },
  {
    title: 'nodes of other kernel builds have no part in it',
    steps: [['n1 alien, n2 ready', 'n2/0 moving', 'n2']],
  },
  {
    title: 'membership is fixed when it is planned: who comes later follows after the success, at once',
    policy: { waves: [{ nodes: 1 }] },
    steps: [
      ['n1 ready, n2 ready', `n1/0 moving, n2/1 ${waiting}`, 'n1'],
      ['n1 moving>5, n0 ready, n2 ready', `n0/late late, n1/0 moving, n2/1 ${waiting}`, ''],
      ['n1 there, n0 ready, n2 there', 'n0/late moving, n1/0 there, n2/1 there', 'n0', 'succeeded'],
      [
        'n1 off@5, n0 off@5, n2 there, n3 ready',
        'n0/late lost, n1/0 lost, n2/1 there, n3/late moving',
        'n3',
        'succeeded',
      ],
      [
        'n1 there, n0 there, n2 there, n3 failed>5',
        'n0/late there, n1/0 there, n2/1 there, n3/late failed',
        '',
        'succeeded',
      ],
    ],
  },
  {
    title: 'nodes sent there by an earlier rollout count as canaries',
    steps: [['n1 ready, n2 there, n3 ready', 'n1/1 moving, n2/0 there, n3/1 moving', 'n1 n3']],
  },
  {
    title: 'no more canaries than nodes',
    policy: { canaries: 3 },
    steps: [
      ['n1 ready, n2 ready', 'n1/0 moving, n2/0 moving', 'n1 n2'],
      ['n1 there, n2 there', 'n1/0 there, n2/0 there', '', 'succeeded'],
    ],
  },
  {
    title: 'a node that is taken out is waited for no longer',
    steps: [
      ['n1 ready, n2 off, n3 ready', `n1/0 moving, n2/1 disconnected, n3/1 ${waiting}`, 'n1'],
      ['n1 there, n2 off, n3 there', 'n1/0 there, n2/1 disconnected, n3/1 there', ''],
      ['n1 there, n3 there', 'n1/0 there, n3/1 there', '', 'succeeded'],
    ],
  },
  {
    title: 'a canary that leaves the cluster is replaced by another: nobody goes untried',
    steps: [
      ['n1 ready, n2 ready, n3 ready', `n1/0 moving, n2/1 ${waiting}, n3/1 ${waiting}`, 'n1'],
      ['n2 ready, n3 ready', `n2/0 moving, n3/1 ${waiting}`, 'n2'],
    ],
  },
  {
    title: 'with the last of its nodes taken out it ends, not in success: who comes then starts it as anybody would',
    steps: [
      ['n1 ready', 'n1/0 moving', 'n1'],
      ['n9 alien', '', '', 'halted'],
      ['n2 ready', 'n2/late rollout-halted', '', 'halted'],
    ],
  },
  { title: 'a cluster without such a node waits for one', steps: [['n1 alien', '', '']] },
];

describe('planRollout', () => {
  it.each(cases)('$title', ({ policy, steps }) => {
    let parent: RolloutPlan | null = null;
    for (const [facts, plan, moves, status = 'running'] of steps) {
      const next: RolloutPlan = planRollout({
        policy: { ...strict, ...policy },
        parent,
        inventory: inventory(facts),
        nowMs: 0,
      });
      expect([show(next), moved(next), next.status]).toEqual([plan, moves, status]);
      parent = next;
    }
  });
});
