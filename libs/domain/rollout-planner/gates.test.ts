// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseGate, type GateMeasure, type GateOutcome } from '@lockstep/domain/probes';
import { explainHalt, explainWaiting } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import type { RolloutOrder } from './rollout-order';
import type { Halt, RolloutPlan } from './rollout-plan';
import { refuseRules, type RolloutPolicy } from './rollout-policy';
import { byOne, inventory } from './test-inventory';

const policy: RolloutPolicy = { ...byOne, bakeMs: 60_000, gates: [parseGate('errors=sum(rate(x[1m])) <= 0.01')] };
const value = (number: number): GateOutcome => ({ kind: 'value', value: number });
const away: GateOutcome = { kind: 'error', problem: 'Prometheus does not answer: refused' };

class Rollout {
  plan: RolloutPlan | null = null;
  nowMs = 1_000_000;

  constructor(private readonly its: RolloutPolicy = policy) {}

  /** @param outcome of its gate, asked just now; undefined: nobody has */
  next(text: string, outcome?: GateOutcome, errorsInARow = 3, order?: RolloutOrder): RolloutPlan {
    const measures: GateMeasure[] =
      outcome === undefined ? [] : [{ gate: 'errors', atMs: this.nowMs, outcome, errorsInARow }];
    const { plan: parent, nowMs } = this;
    this.plan = planRollout({ policy: this.its, parent, nowMs, inventory: inventory(text), measures, order });
    return this.plan;
  }

  /** Its canary is there, and the bake time has begun. */
  baking(): this {
    this.next('n1 ready, n2 ready');
    this.next('n1 there, n2 ready');
    return this;
  }
}

test('a wave passes when its gates were measured, keep to their bounds, and its bake time is over', () => {
  const rollout = new Rollout().baking();
  expect(rollout.next('n1 there, n2 ready', value(0)).waiting?.reason).toBe('bake');
  rollout.nowMs += 60_000;
  const waits = rollout.next('n1 there, n2 ready');
  expect([waits.waves[0]?.passedAtMs, waits.waiting?.reason]).toEqual([null, 'gates']);
  expect(waits.waiting && explainWaiting(waits.waiting, waits)).toMatch(/the gates have to be measured/);
  expect(rollout.next('n1 there, n2 ready', value(0.01)).waves[0]?.passedAtMs).toBe(rollout.nowMs);
});

test('without a bake time too nothing passes unmeasured, and what was measured before all were there is not of it', () => {
  const rollout = new Rollout({ ...policy, bakeMs: 0 });
  rollout.next('n1 ready, n2 ready', value(0));
  expect(rollout.next('n1 there, n2 ready').waves[0]?.passedAtMs).toBeNull();
  rollout.nowMs += 1_000;
  expect(rollout.next('n1 there, n2 ready', value(0)).waves[0]?.passedAtMs).toBe(rollout.nowMs);
});

test('a number that leaves its bound halts, with the number; whoever goes on does so for that wave', () => {
  const rollout = new Rollout().baking();
  const plan = rollout.next('n1 there, n2 ready', value(0.25));
  expect(plan.status).toBe('halted');
  expect(plan.halt && explainHalt(plan.halt)).toBe('Gate errors is 0.25 at the canaries, and has to be <= 0.01.');
  const stored = JSON.parse(JSON.stringify({ ...plan.halt, value: Infinity })) as Halt;
  expect(explainHalt(stored)).toMatch(/^Gate errors is infinite at/);
  rollout.nowMs += 60_000;
  const resumed = rollout.next('n1 there, n2 ready', value(0.25), 0, { kind: 'resume', reason: 'known' });
  expect([resumed.status, resumed.waves[0]?.passedAtMs]).toEqual(['running', rollout.nowMs]);
  // The next wave is asked anew.
  rollout.nowMs += 1_000;
  expect(rollout.next('n1 there, n2 there', value(0.25)).status).toBe('halted');
});

test('a gate that cannot be measured pauses it for a person, and is no pass', () => {
  const rollout = new Rollout().baking();
  rollout.nowMs += 60_000;
  expect(rollout.next('n1 there, n2 ready', away, 1).status).toBe('running');
  const plan = rollout.next('n1 there, n2 ready', away);
  expect([plan.status, plan.waves[0]?.passedAtMs]).toEqual(['paused', null]);
  expect(plan.waiting && explainWaiting(plan.waiting, plan)).toMatch(
    /^Inconclusive: gate errors could not be measured at the canaries: Prometheus does not answer: refused\. Paused:/,
  );
  const resumed = rollout.next('n1 there, n2 ready', away, 3, { kind: 'resume', reason: '' });
  expect([resumed.status, resumed.waves[0]?.passedAtMs]).toEqual(['running', rollout.nowMs]);
});

test('two gates of one name are refused', () => {
  expect(refuseRules({ ...policy, gates: [...policy.gates, ...policy.gates] }, 2)).toMatch(/two gates "errors"/);
});
