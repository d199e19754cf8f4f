// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { Schedule } from '@lockstep/domain/schedule';
import { emergencyMs, explainConfirmationRefusal, refuseConfirmation, type BreakGlass } from './break-glass';
import { emergencyRules } from './emergency-rules';
import { explainHalt } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import { refuseOrder } from './rollout-order';
import { refuseRollout } from './refuse-rollout';
import type { RolloutPlan } from './rollout-plan';
import { defaultRules, waveSizes, type RolloutPolicy } from './rollout-policy';
import { inventory, moved, show, strict } from './test-inventory';

const breakGlass: BreakGlass = { by: 'person:alice', reason: 'it is exploited' };
const minuteMs = 60_000;
const asked = { allowedFailures: { nodes: 0 }, atOnce: null, probing: defaultRules.probing };
const policyFor = (nodes: number): RolloutPolicy => ({ ...strict, ...emergencyRules(nodes, asked), breakGlass });
/** Nothing may begin for a day. */
const frozen: Schedule = {
  windows: [],
  freezes: [{ name: 'fair', selector: '', reason: '', fromMs: 0, untilMs: 24 * 60 * minuteMs }],
};

function emergency(nodes = 3): (nowMs: number, facts: string) => RolloutPlan {
  let parent: RolloutPlan | null = null;
  return (nowMs, facts) => {
    parent = planRollout({ policy: policyFor(nodes), parent, nowMs, inventory: inventory(facts), schedule: frozen });
    return parent;
  };
}

describe('an emergency', () => {
  it('has waves of 5, 25, 50, 90 and 100 %, which end within three hours by their deadlines', () => {
    const reached = (nodes: number): number[] => {
      let sum = 0;
      return waveSizes(emergencyRules(nodes, asked), nodes).map((size) => (sum += size));
    };
    expect(reached(100)).toEqual([5, 25, 50, 90, 100]);
    expect(reached(1_000)).toEqual([50, 250, 500, 900, 1_000]);
    expect(reached(3)).toEqual([1, 2, 3]);
    for (const nodes of [1, 7, 19, 99, 101, 4_321]) {
      const { deadlineMs, bakeMs, approvals, haltsOnCrash } = emergencyRules(nodes, asked);
      expect(reached(nodes).length * deadlineMs).toBeLessThan(emergencyMs);
      expect([bakeMs, approvals, haltsOnCrash]).toEqual([0, null, true]);
    }
  });

  it('begins whatever is frozen', () => {
    expect(moved(emergency()(0, 'n1 ready, n2 ready, n3 ready'))).toBe('n1');
  });

  it('halts at a crash, and at the first failure that may not be', () => {
    const at = emergency();
    at(0, 'n1 ready, n2 ready, n3 ready');
    expect(at(1, 'n1 quarantined>5, n2 ready, n3 ready').halt?.reason).toBe('crash');
    const again = emergency();
    again(0, 'n1 ready, n2 ready, n3 ready');
    expect(again(1, 'n1 failed>5, n2 ready, n3 ready').halt?.reason).toBe('failures');
  });

  it('sends nobody who is held out', () => {
    expect(show(emergency()(0, 'n1 diverged, n2 forked, n3 ready'))).toBe('n1/1 diverged, n2/2 forked, n3/0 moving');
  });

  it('halts when its time has passed, starts nobody after that, and is not resumed', () => {
    const at = emergency();
    at(0, 'n1 ready, n2 ready, n3 ready');
    expect(at(emergencyMs - 1, 'n1 there, n2 ready, n3 ready').status).toBe('running');
    const late = at(emergencyMs, 'n1 there, n2 there, n3 ready');
    expect([late.status, moved(late), late.halt]).toEqual(['halted', '', { reason: 'out-of-time' }]);
    expect(explainHalt(late.halt!)).toMatch(/three hours/);
    expect(refuseOrder({ kind: 'resume', reason: 'go on' }, late, 0)).toEqual({ reason: 'out-of-time' });
  });

  it('has no more time where a clock is put back', () => {
    const at = emergency();
    at(emergencyMs, 'n1 ready, n2 ready, n3 ready');
    at(10, 'n1 there, n2 ready, n3 ready');
    // Nobody has failed: it is nothing but the time.
    expect(at(10 + emergencyMs, 'n1 there, n2 there, n3 ready').halt).toEqual({ reason: 'out-of-time' });
  });

  it('brings who comes after its time to it when that may begin', () => {
    const at = emergency(1);
    at(0, 'n1 there');
    expect(moved(at(emergencyMs - 1, 'n1 there, n2 ready'))).toBe('n2');
    const late = at(emergencyMs, 'n1 there, n2 there, n3 ready');
    expect([moved(late), show(late)]).toEqual(['', 'n1/0 there, n2/late there, n3/late waiting-for-window']);
  });

  it('is refused without a reason, and where it would go on after a crash', () => {
    const refused = (policy: Partial<RolloutPolicy>): string | undefined => {
      const context = { head: parseSeq(9), furthest: parseSeq(0), inventory: inventory('n1 ready') };
      const found = refuseRollout({ ...policyFor(1), ...policy }, context);
      return found?.reason === 'invalid-policy' ? found.why : found?.reason;
    };
    expect(refused({})).toBeUndefined();
    expect(refused({ breakGlass: { ...breakGlass, reason: ' ' } })).toMatch(/Say why the glass is broken/);
    expect(refused({ haltsOnCrash: false })).toMatch(/leave --go-on-after-crash out/);
  });
});

test('a second person confirms it, once, and never who began it', () => {
  const given = { by: 'person:bob', reason: '', atMs: 0 };
  expect(refuseConfirmation('person:bob', breakGlass, undefined)).toBeUndefined();
  const refusals = [
    refuseConfirmation('person:alice', breakGlass, undefined),
    refuseConfirmation('person:carol', breakGlass, given),
    refuseConfirmation('person:bob', undefined, undefined),
  ];
  expect(refusals.map((each) => each && explainConfirmationRefusal(each, 'r'))).toEqual([
    'person:alice broke the glass for rollout r: let somebody else confirm it.',
    'person:bob has confirmed rollout r already.',
    expect.stringMatching(/^Rollout r is no emergency/),
  ]);
});

test('any other rollout keeps to what is frozen', () => {
  const policy = { ...strict, ...defaultRules };
  const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: inventory('n1 ready'), schedule: frozen });
  expect(moved(plan)).toBe('');
});
