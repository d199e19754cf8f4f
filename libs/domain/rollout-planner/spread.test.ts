// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { parseLabels } from '@lockstep/domain/labels';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { explainHalt, explainNotYet } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import { refuseRollout } from './refuse-rollout';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { moved, node, show, strict } from './test-inventory';

/** `n1 ready zone=a,role=canary`: a node with its labels. */
const labelled = (text: string): NodeFacts[] =>
  text.split('; ').map((each) => {
    const [, facts = '', labels = ''] = /^(\S+ \S+) ?(.*)$/.exec(each) ?? [];
    return { ...node(facts), labels: parseLabels(labels) };
  });

function rollout(policy: RolloutPolicy): (facts: string) => RolloutPlan {
  let parent: RolloutPlan | null = null;
  return (facts) => {
    parent = planRollout({ policy, parent, nowMs: 0, inventory: labelled(facts) });
    return parent;
  };
}

const refusal = (policy: RolloutPolicy, facts: string): string | undefined => {
  const context = { head: parseSeq(9), furthest: parseSeq(0), inventory: labelled(facts) };
  const found = refuseRollout(policy, context);
  return found?.reason === 'invalid-policy' ? found.why : found?.reason;
};

describe('at most so many of a failure domain at once', () => {
  const policy: RolloutPolicy = {
    ...{ ...strict, allowedFailures: { percent: 40 }, haltsOnCrash: false },
    spread: { label: 'zone', atMost: { nodes: 1 } },
  };

  it('counts over all waves, and says who is held by what', () => {
    const at = rollout(policy);
    at('n0 ready zone=c; n1 ready zone=a; n2 ready zone=a; n3 ready zone=b; n4 ready; n5 ready');
    const open = at('n0 there zone=c; n1 ready zone=a; n2 ready zone=a; n3 ready zone=b; n4 ready; n5 ready');
    expect([moved(open), show(open)]).toEqual([
      'n1 n3 n4',
      'n0/0 there, n1/1 moving, n2/1 waiting-for-domain, n3/1 moving, n4/1 moving, n5/1 waiting-for-domain',
    ]);
    expect(open.nodes.map(({ notYet }) => (notYet === null ? '' : explainNotYet(notYet, open)))[2]).toBe(
      'Held: of zone=a 1 are under way, and at most 1 may be.',
    );
    // Who does not say where it is may be in one place with all others that do not.
    expect(explainNotYet(open.nodes[5]!.notYet!, open)).toBe('Held: of zone= 1 are under way, and at most 1 may be.');
    const next = at('n0 there zone=c; n1 there zone=a; n2 ready zone=a; n3 moving>5 zone=b; n4 there; n5 ready');
    expect(moved(next)).toBe('n2 n5');
  });

  it('a failure burns what its domain may, and where nobody else of it can start it halts, by name', () => {
    const at = rollout(policy);
    const rest = 'n3 there zone=b; n4 there; n5 there';
    at('n0 ready zone=c; n1 ready zone=a; n2 ready zone=a; n3 ready zone=b; n4 ready; n5 ready');
    at('n0 there zone=c; n1 ready zone=a; n2 ready zone=a; n3 ready zone=b; n4 ready; n5 ready');
    const busy = at('n0 there zone=c; n1 failed>5 zone=a; n2 ready zone=a; n3 moving>5 zone=b; n4 there; n5 there');
    expect([busy.status, explainNotYet(busy.nodes[2]!.notYet!, busy)]).toEqual([
      'running',
      'Held: of zone=a 0 are under way and 1 unwell, and at most 1 may be.',
    ]);
    const halted = at(`n0 there zone=c; n1 failed>5 zone=a; n2 ready zone=a; ${rest}`);
    expect([halted.status, explainHalt(halted.halt!)]).toEqual([
      'halted',
      'Of zone=a 1 failed, as many as may be unwell at once: n2 cannot start.',
    ]);
  });

  it('percents are of the domain, round down, and are at least one', () => {
    const halfOf = (size: number): string => {
      const at = rollout({ ...policy, spread: { label: 'zone', atMost: { percent: 50 } } });
      const others = (word: string): string =>
        Array.from({ length: size }, (_, index) => `n${index + 1} ${word} zone=a`).join('; ');
      at(`n0 ready zone=c; ${others('ready')}`);
      return moved(at(`n0 there zone=c; ${others('ready')}`));
    };
    expect([halfOf(1), halfOf(3), halfOf(4), halfOf(5)]).toEqual(['n1', 'n1', 'n1 n2', 'n1 n2']);
  });

  it('holds after a success too, for those who come late', () => {
    const at = rollout(policy);
    at('n0 there zone=a');
    const done = at('n0 there zone=a; n1 ready zone=a; n2 ready zone=a');
    expect([done.status, moved(done), show(done)]).toEqual([
      ...['succeeded', 'n1'],
      'n0/0 there, n1/late moving, n2/late waiting-for-domain',
    ]);
  });

  it('is refused where no node has the label, or where nobody may go', () => {
    expect(refusal(policy, 'n0 ready rack=1; n1 ready')).toMatch(/^No node has the label "zone"/);
    const none = { ...policy, spread: { label: 'zone', atMost: { nodes: 0 } } };
    expect(refusal(none, 'n0 ready zone=a')).toMatch(/^Of a domain at most a whole number of nodes from 1/);
    expect(refusal(policy, 'n0 ready zone=a; n1 ready')).toBeUndefined();
  });
});

describe('canaries by label', () => {
  const policy: RolloutPolicy = { ...strict, canarySelector: 'role=canary' };

  it('go first whatever their name, and nobody else takes their place', () => {
    const at = rollout({ ...policy, canaries: 2 });
    const facts = 'n1 ready; n2 ready role=canary; n3 ready; n4 ready role=canary; n5 ready role=canary';
    expect(show(at(facts))).toBe(
      'n1/1 waiting-for-canary, n2/0 moving, n3/1 waiting-for-canary, n4/0 moving, n5/1 waiting-for-canary',
    );
    const one = rollout(policy);
    const away = one('n1 ready; n2 off role=canary; n3 ready; n4 ready role=canary');
    expect(moved(away)).toBe('n4');
  });

  it('with all of them away it waits for them, by name, and starts nobody; in the end it halts', () => {
    let parent: RolloutPlan | null = null;
    const at = (nowMs: number, facts: string): RolloutPlan => {
      parent = planRollout({ policy: { ...policy, deadlineMs: 10 }, parent, nowMs, inventory: labelled(facts) });
      return parent;
    };
    const waits = at(0, 'n1 ready; n2 off role=canary');
    expect([waits.status, moved(waits), waits.waiting]).toEqual([
      ...['running', ''],
      { reason: 'absent', nodes: ['n2'], count: 1, untilMs: 10 },
    ]);
    expect(explainNotYet(waits.nodes[1]!.notYet!, waits)).toBe('Waits for the canaries: n2.');
    const halted = at(10, 'n1 ready; n2 off role=canary');
    expect([halted.status, halted.halt]).toEqual(['halted', { reason: 'nobody-arrived', wave: 0 }]);
  });

  it('are refused where no node matches, and where fewer match than are asked for', () => {
    expect(refusal(policy, 'n1 ready; n2 ready role=db')).toBe(
      'No node matches "role=canary", so there would be no canary: `lockstep node ls -l role=canary`.',
    );
    expect(refusal({ ...policy, canaries: 2 }, 'n1 ready; n2 ready role=canary')).toMatch(/^1 node with/);
    expect(refusal(policy, 'n1 ready; n2 ready role=canary')).toBeUndefined();
  });
});
