// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import type { ProbeResult, ProbeVerdict } from '@lockstep/domain/probes';
import { explainNotYet, explainWaiting } from './explain-not-yet';
import { nodesToProbe } from './nodes-to-probe';
import { planRollout } from './plan-rollout';
import { noProbes } from './probe-rules';
import type { RolloutOrder } from './rollout-order';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import { refuseRules, type RolloutPolicy } from './rollout-policy';
import { byOne, moved, node, show, strict, toSeq } from './test-inventory';

const probing = { ...noProbes, probes: [{ kind: 'command', name: 'ok' } as const] };
const probed: RolloutPolicy = { ...byOne, probing };
const before = parseSeq(4);

const said = (verdict: ProbeVerdict, position: Seq, inARow = 3): ProbeResult => ({
  ...{ probe: 'command=ok', verdict, message: 'exit 1', position, inARow },
});

/** `n1 ready pass`: a node in one line, and what its probe came to where it is. */
function facts(text: string): NodeFacts[] {
  return text.split(', ').map((line) => {
    const [, about = '', verdict] = /^(.*?)(?: (pass|fail|error))?$/.exec(line) ?? [];
    const found = node(about);
    const { report } = found;
    if (report === null || verdict === undefined) return found;
    return { ...found, report: { ...report, probes: [said(verdict as ProbeVerdict, report.position)] } };
  });
}

class Rollout {
  plan: RolloutPlan | null = null;
  nowMs = 0;

  constructor(private readonly policy: RolloutPolicy) {}

  next(text: string, order?: RolloutOrder): RolloutPlan {
    const inventory = facts(text);
    this.plan = planRollout({ policy: this.policy, parent: this.plan, nowMs: this.nowMs, inventory, order });
    return this.plan;
  }
}

test('nobody is let go before its probes have passed where it is, and no wave opens before they pass where it was brought', () => {
  const rollout = new Rollout(probed);
  const first = rollout.next('n1 ready, n2 ready, n3 ready');
  expect(show(first)).toBe('n1/0 waiting-for-baseline, n2/1 waiting-for-canary, n3/2 waiting-for-canary');
  expect(first.waiting).toMatchObject({ reason: 'wave', wave: 0, untilMs: strict.deadlineMs });
  expect(nodesToProbe(first, probed)).toEqual(['n1']);
  expect(moved(rollout.next('n1 ready pass, n2 ready, n3 ready'))).toBe('n1');
  expect(show(rollout.next('n1 there, n2 ready, n3 ready'))).toMatch(/^n1\/0 probing, n2\/1 waiting-for-canary/);
  const second = rollout.next('n1 there pass, n2 ready, n3 ready');
  expect(show(second)).toBe('n1/0 there, n2/1 waiting-for-baseline, n3/2 waiting-for-wave');
  // Who has proved itself is asked no more, also where nothing is told of it any longer.
  expect(nodesToProbe(second, probed)).toEqual(['n2']);
  expect(show(rollout.next('n1 there, n2 ready pass, n3 ready'))).toMatch(/^n1\/0 there, n2\/1 moving/);
  rollout.next('n1 there, n2 there pass, n3 ready');
  rollout.next('n1 there, n2 there, n3 ready pass');
  expect(rollout.next('n1 there, n2 there, n3 there pass').status).toBe('succeeded');
});

test('a probe that fails after the load is a failure, as any other, and one that passes again is none any more', () => {
  const rollout = new Rollout({ ...probed, allowedFailures: { nodes: 1 }, canaries: 2 });
  rollout.next('n1 ready pass, n2 ready pass, n3 ready');
  const failed = rollout.next('n1 there pass, n2 there fail, n3 ready');
  expect([failed.status, show(failed)]).toEqual([
    'running',
    'n1/0 there, n2/0 probe-failed, n3/1 waiting-for-baseline',
  ]);
  expect(explainNotYet(failed.nodes[1]!.notYet!, failed)).toBe('It is there, and a probe fails: command=ok: exit 1');
  const strictly = new Rollout(probed);
  strictly.next('n1 ready pass, n2 ready');
  const halted = strictly.next('n1 there fail, n2 ready');
  expect([halted.status, halted.halt?.reason]).toEqual(['halted', 'failures']);
  // Somebody goes on, and it heals: it is taken up again without being asked.
  strictly.next('n1 there fail, n2 ready', { kind: 'resume', reason: 'known' });
  expect(show(strictly.next('n1 there pass, n2 ready'))).toMatch(/^n1\/0 there/);
});

test('who fails its probes before the load is not loaded, said so, and has others go in its place', () => {
  const rollout = new Rollout(probed);
  rollout.next('n1 ready, n2 ready, n3 ready');
  const plan = rollout.next('n1 ready fail, n2 ready, n3 ready');
  expect([plan.status, show(plan)]).toEqual([
    'running',
    'n1/0 unhealthy, n2/0 waiting-for-baseline, n3/2 waiting-for-canary',
  ]);
  expect(explainNotYet(plan.nodes[0]!.notYet!, plan)).toMatch(/^Not loaded, for a probe fails before its load/);
  expect(moved(rollout.next('n1 ready fail, n2 ready pass, n3 ready'))).toBe('n2');
  // It heals while its wave is open.
  expect(moved(rollout.next('n1 ready pass, n2 moving>5, n3 ready'))).toBe('');
  expect(moved(rollout.next('n1 ready pass, n2 there pass, n3 ready'))).toBe('n1');
});

test('who is left out for its probes slows its wave down, and never to a stand', () => {
  const policy: RolloutPolicy = { ...probed, canaries: 5, atOnce: { nodes: 3 } };
  const rollout = new Rollout(policy);
  const plan = rollout.next('n1 ready fail, n2 ready fail, n3 ready pass, n4 ready pass, n5 ready pass');
  expect([plan.status, moved(plan)]).toEqual(['running', 'n3']);
  const all = new Rollout(policy);
  expect(moved(all.next('n1 ready fail, n2 ready fail, n3 ready fail, n4 ready fail, n5 ready pass'))).toBe('n5');
});

test('what cannot be measured pauses it for a person, and never counts as a pass, whoever goes on', () => {
  const rollout = new Rollout({ ...probed, canaries: 2 });
  rollout.next('n1 ready pass, n2 ready pass, n3 ready');
  const plan = rollout.next('n1 there pass, n2 there error, n3 ready');
  expect(plan.status).toBe('paused');
  expect(plan.waiting && explainWaiting(plan.waiting, plan)).toBe(
    'Inconclusive: 1 node of the canaries could not be measured, 0 may: n2. ' +
      'Paused: `lockstep rollout resume` goes on without them, `lockstep rollout abort` ends it.',
  );
  // It does not go on by itself where the probe comes to itself again: a person was asked.
  expect(rollout.next('n1 there pass, n2 there pass, n3 ready').status).toBe('paused');
  rollout.next('n1 there pass, n2 there error, n3 ready');
  const resumed = rollout.next('n1 there pass, n2 there error, n3 ready', { kind: 'resume', reason: '' });
  expect([resumed.status, show(resumed)]).toEqual([
    'running',
    'n1/0 there, n2/0 unmeasured, n3/0 waiting-for-baseline',
  ]);
  expect(rollout.next('n1 there pass, n2 there error, n3 ready').status).toBe('running');
});

test('to go on without its verdict excuses no failure that is known of it later', () => {
  const rollout = new Rollout({ ...probed, canaries: 2 });
  rollout.next('n1 ready pass, n2 ready pass, n3 ready');
  rollout.next('n1 there pass, n2 there error, n3 ready');
  rollout.next('n1 there pass, n2 there error, n3 ready', { kind: 'resume', reason: '' });
  expect(rollout.next('n1 there pass, n2 there fail, n3 ready').status).toBe('halted');
});

test('an agent that tells of no probe is not waited for longer than any other', () => {
  const rollout = new Rollout({ ...probed, canaries: 2 });
  rollout.next('n1 ready pass, n2 ready pass, n3 ready');
  rollout.next('n1 there pass, n2 there, n3 ready');
  rollout.nowMs += strict.deadlineMs + 1;
  expect(rollout.next('n1 there pass, n2 there, n3 ready').status).toBe('paused');
  const resumed = rollout.next('n1 there pass, n2 there, n3 ready', { kind: 'resume', reason: '' });
  expect([resumed.status, show(resumed)]).toEqual([
    'running',
    'n1/0 there, n2/0 unmeasured, n3/0 waiting-for-baseline',
  ]);
});

test('some may be impossible to measure where that is allowed, and no wave passes by them alone', () => {
  const policy = { ...probed, canaries: 2, probing: { ...probing, allowedErrors: { percent: 100 } } };
  const rollout = new Rollout(policy);
  rollout.next('n1 ready pass, n2 ready pass, n3 ready');
  const plan = rollout.next('n1 there error, n2 there error, n3 ready');
  expect([plan.status, plan.waves[0]?.passedAtMs, show(plan)]).toEqual([
    'running',
    null,
    'n1/0 unmeasured, n2/0 unmeasured, n3/0 waiting-for-baseline',
  ]);
});

test('what takes a rollout back waits for nobody to be well before', () => {
  const undoes = { rollout: 'before', after: before };
  const rollout = new Rollout({ ...probed, undoes });
  expect(moved(rollout.next('n1 ready fail, n2 ready'))).toBe('n1');
});

test('too many probes, the same one twice and times out of reason are refused', () => {
  const refuse = (over: Partial<typeof noProbes>) => refuseRules({ ...probed, probing: { ...probing, ...over } }, 3);
  expect(refuse({})).toBeUndefined();
  expect(refuse({ probes: [...probing.probes, ...probing.probes] })).toMatch(/twice/);
  expect(refuse({ timeoutMs: 1 })).toMatch(/from 0.1 s/);
  expect(refuse({ everyMs: 1 })).toMatch(/1 s/);
  expect(refuse({ allowedErrors: { percent: 101 } })).toMatch(/Allowed errors/);
  expect(toSeq).toBeGreaterThan(before);
});

test('what takes another rollout back does not wait to hear of who was unwell before', () => {
  const rollout = new Rollout({ ...probed, undoes: { rollout: 'before', after: parseSeq(3) } });
  rollout.next('n1 failed@4>4, n2 ready, n3 ready');
  const { status, nodes } = rollout.next('n1 there error, n2 ready, n3 ready');
  expect([status, nodes[0]?.notYet?.reason]).toEqual(['running', 'unmeasured']);
});
