// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import {
  parseKernelBuildId,
  parseNodeName,
  parseSeq,
  type KernelTrouble,
  type NodeStatus,
} from '@lockstep/domain/livepatch-model';
import { explainNotYet } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { NodeFacts, PlanStatus, RolloutPlan } from './rollout-plan';
import { defaultRules, type RolloutPolicy } from './rollout-policy';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));
const toSeq = parseSeq(5);
/** One canary, then all; nobody may fail. */
const strict: RolloutPolicy = {
  ...{ kernelBuild, toSeq, ...defaultRules },
  ...{ waves: [{ percent: 100 }], allowedFailures: { nodes: 0 } },
};
const byOne: RolloutPolicy = { ...strict, waves: [{ nodes: 1 }] };

/**
 * A node in one line: `n1 ready`, with an optional `@position` and `>target`; `off` stands for a node that is not
 * connected, `damaged` for one whose journal is, `held` for one that only looks. A released node acknowledges its target: `n1 moving@4>5`.
 */
function node(text: string): NodeFacts {
  const [, name, word, position, target] = /^(\S+) ([a-z-]+?)(?:@(\d+))?(?:>(\d+))?$/.exec(text) ?? [];
  if (name === undefined || word === undefined) throw new Error(`not a node: ${text}`);
  const at = parseSeq(Number(position ?? (word === 'there' ? toSeq : 4)));
  const statuses: Record<string, NodeStatus> = {
    ...{ ready: 'in-step', there: 'in-step', off: 'in-step' },
    ...{ damaged: 'failed', held: 'moving' },
  };
  const problems: Record<string, string> = {
    failed: 'insmod said no',
    damaged: 'the journal does not verify',
    held: 'it only looks',
  };
  return {
    node: parseNodeName(name),
    kernelBuild: word === 'alien' ? null : kernelBuild,
    connected: word !== 'off',
    report:
      word === 'silent'
        ? null
        : {
            status: statuses[word] ?? (word === 'alien' ? 'in-step' : (word as NodeStatus)),
            position: at,
            target: parseSeq(Number(target ?? at)),
            problem: problems[word] ?? null,
            takesNoTarget: word === 'damaged',
          },
  };
}

const inventory = (text: string): NodeFacts[] => text.split(', ').map(node);

/** `n1/0 there` a node, by name: wave, reason for "not yet". */
const show = (plan: RolloutPlan): string =>
  plan.nodes
    .map(({ node: name, wave, notYet }) => `${name}/${wave ?? 'late'} ${notYet?.reason ?? 'there'}`)
    .sort()
    .join(', ');

const moved = (plan: RolloutPlan): string => plan.moves.map((move) => move.node).join(' ');

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
    expect(plan(first, complaining('n1 there', 'b/2', 'oops'), lenient).halt).toEqual({
      reason: 'crash',
      nodes: ['n1'],
    });
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
