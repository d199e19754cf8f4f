// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseLabels } from '@lockstep/domain/labels';
import { parseGate, type GateMeasure, type ProbeVerdict } from '@lockstep/domain/probes';
import { explainNotYet, explainWaiting } from './explain-not-yet';
import { planRollout } from './plan-rollout';
import { noProbes } from './probe-rules';
import type { RolloutOrder } from './rollout-order';
import type { NodeFacts, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { byOne, moved, node, show, strict } from './test-inventory';

// Whoever goes on does so despite what has stopped it, and despite nothing else.

const probing = { ...noProbes, probes: [{ kind: 'command', name: 'ok' } as const] };
const resume = (reason = ''): RolloutOrder => ({ kind: 'resume', reason });
const pause: RolloutOrder = { kind: 'pause', reason: '' };

/** `n1 there pass zone=a`: a node, what its probe came to where it is, and its labels. */
const facts = (text: string): NodeFacts[] =>
  text.split('; ').map((line) => {
    const [, about = '', verdict, labels = ''] = /^(\S+ \S+)(?: (pass|fail|error))? ?(.*)$/.exec(line) ?? [];
    const found = node(about);
    const { report } = found;
    const said = { probe: 'command=ok', verdict: verdict as ProbeVerdict, message: 'exit 1', inARow: 3 };
    const probes = report === null || verdict === undefined ? undefined : [{ ...said, position: report.position }];
    return { ...found, labels: parseLabels(labels), report: report && { ...report, probes } };
  });

class Rollout {
  plan: RolloutPlan | null = null;
  nowMs = 1_000_000;
  /** Since when somebody asks its gates. */
  gatesAskedSinceMs: number | undefined;

  constructor(private readonly policy: RolloutPolicy) {}

  next(text: string, order?: RolloutOrder, measures: readonly GateMeasure[] = []): RolloutPlan {
    const { policy, plan: parent, nowMs, gatesAskedSinceMs } = this;
    this.plan = planRollout({ policy, parent, nowMs, inventory: facts(text), order, measures, gatesAskedSinceMs });
    return this.plan;
  }
}

test('a pause excuses no failure: what had failed goes on counting after it', () => {
  const rollout = new Rollout({ ...strict, canaries: 3, allowedFailures: { nodes: 1 } });
  rollout.next('n1 ready; n2 ready; n3 ready; n4 ready');
  const failed = 'n1 failed>5; n2 moving@4>5; n3 moving@4>5; n4 ready';
  rollout.next(failed);
  rollout.next(failed, pause);
  expect(rollout.next(failed, resume()).status).toBe('running');
  expect(rollout.next('n1 failed>5; n2 failed>5; n3 moving@4>5; n4 ready').halt).toMatchObject({ failures: 2 });
});

test('who goes on despite what cannot be measured goes on despite no failure, and the other way round', () => {
  const policy = { ...strict, probing, canaries: 3, allowedFailures: { nodes: 1 } };
  const rollout = new Rollout(policy);
  rollout.next('n1 ready pass; n2 ready pass; n3 ready pass; n4 ready pass');
  const unknown = 'n1 failed>5; n2 there error; n3 there pass; n4 ready pass';
  expect(rollout.next(unknown).waiting?.reason).toBe('inconclusive');
  expect(rollout.next(unknown, resume()).status).toBe('running');
  const halted = rollout.next('n1 failed>5; n2 there error; n3 there fail; n4 ready pass');
  expect(halted.halt).toMatchObject({ reason: 'failures', failures: 2 });

  const other = new Rollout(policy);
  other.next('n1 ready pass; n2 ready pass; n3 ready pass; n4 ready pass');
  const both = 'n1 failed>5; n2 there error; n3 there fail; n4 ready pass';
  expect(other.next(both).status).toBe('halted');
  expect(other.next(both, resume('known')).waiting?.reason).toBe('inconclusive');
});

test('a pause by a person excuses nothing that cannot be measured', () => {
  const rollout = new Rollout({ ...strict, probing, canaries: 2 });
  rollout.next('n1 ready pass; n2 ready pass; n3 ready');
  rollout.next('n1 there pass; n2 moving@4>5; n3 ready', pause);
  const unknown = 'n1 there pass; n2 there error; n3 ready';
  rollout.next(unknown);
  expect(rollout.next(unknown, resume()).waiting?.reason).toBe('inconclusive');
});

const gated: RolloutPolicy = { ...byOne, bakeMs: 60_000, gates: [parseGate('errors=x <= 1')] };

test('a gate that nobody has asked is late for nobody: what was halted meanwhile goes on, and is asked', () => {
  const rollout = new Rollout({ ...gated, canaries: 2, allowedFailures: { nodes: 0 } });
  rollout.next('n1 ready; n2 ready; n3 off');
  rollout.gatesAskedSinceMs = rollout.nowMs;
  rollout.next('n1 there; n2 there; n3 off');
  const failed = 'n1 there; n2 failed>5; n3 off';
  expect(rollout.next(failed).status).toBe('halted');
  rollout.gatesAskedSinceMs = undefined;
  rollout.nowMs += 10 * gated.deadlineMs;
  const resumed = rollout.next(failed, resume('known'));
  expect([resumed.status, resumed.waves[0]?.gatesWaived, resumed.waiting?.reason]).toEqual([
    ...['running', undefined, 'gates'],
  ]);
  rollout.gatesAskedSinceMs = rollout.nowMs;
  rollout.nowMs += 1_000;
  const measure: GateMeasure = {
    ...{ gate: 'errors', atMs: rollout.nowMs, outcome: { kind: 'value', value: 0 }, errorsInARow: 0 },
  };
  expect(rollout.next(failed, undefined, [measure]).waves[0]?.passedAtMs).toBe(rollout.nowMs);
});

test('where no control plane asks it waits for one, and says so; where one asks and hears nothing it pauses', () => {
  const rollout = new Rollout(gated);
  rollout.next('n1 ready; n2 ready');
  rollout.next('n1 there; n2 ready');
  rollout.nowMs += 10 * gated.deadlineMs;
  const waits = rollout.next('n1 there; n2 ready');
  expect([waits.status, waits.waiting]).toEqual(['running', { reason: 'gates', wave: 0, untilMs: null }]);
  expect(explainWaiting(waits.waiting!, waits)).toMatch(/nobody asks them yet/);
  rollout.gatesAskedSinceMs = rollout.nowMs;
  rollout.nowMs += gated.deadlineMs;
  expect(rollout.next('n1 there; n2 ready').waiting).toEqual({ reason: 'gates', wave: 0, untilMs: rollout.nowMs });
  rollout.nowMs += 1;
  expect(rollout.next('n1 there; n2 ready').waiting?.reason).toBe('inconclusive');
});

test('who cannot be measured and fills its failure domain pauses it for a person, by name, where nobody else could start', () => {
  const policy: RolloutPolicy = {
    ...{ ...strict, probing: { ...probing, allowedErrors: { percent: 100 } } },
    spread: { label: 'zone', atMost: { nodes: 1 } },
  };
  const rollout = new Rollout(policy);
  rollout.next('n0 ready pass zone=c; n1 ready pass zone=a; n2 ready pass zone=a; n3 ready pass zone=b');
  rollout.next('n0 there pass zone=c; n1 ready pass zone=a; n2 ready pass zone=a; n3 ready pass zone=b');
  const rest = 'n0 there pass zone=c; n1 there error zone=a; n2 ready pass zone=a';
  const busy = rollout.next(`${rest}; n3 moving@4>5 zone=b`);
  expect([busy.status, explainNotYet(busy.nodes[2]!.notYet!, busy)]).toEqual([
    'running',
    'Held: of zone=a 0 are under way and 1 could not be measured, and at most 1 may be.',
  ]);
  const stands = rollout.next(`${rest}; n3 there pass zone=b`);
  expect([stands.status, explainWaiting(stands.waiting!, stands)]).toEqual([
    'paused',
    'Inconclusive: of zone=a n1 could not be measured, and nobody else of it may start before that: n2. ' +
      'Paused: `lockstep rollout resume` goes on without them, `lockstep rollout abort` ends it.',
  ]);
  expect(moved(rollout.next(`${rest}; n3 there pass zone=b`, resume()))).toBe('n2');
});

test('a node whose probe failed is tried again: it has its time to pass, and is a failure anew where it does not', () => {
  const rollout = new Rollout({ ...strict, probing, canaries: 2, bakeMs: 60_000 });
  rollout.next('n1 ready pass; n2 ready pass; n3 off');
  const failing = 'n1 there pass; n2 there fail; n3 off';
  expect(rollout.next(failing).status).toBe('halted');
  // Somebody goes on despite it, and has it looked at again.
  rollout.next(failing, resume('known'));
  const retried = rollout.next(failing, { kind: 'retry', reason: '', nodes: [] });
  expect([retried.status, show(retried)]).toEqual(['running', 'n1/0 there, n2/0 probing, n3/1 disconnected']);
  rollout.nowMs += strict.deadlineMs;
  expect(show(rollout.next(failing))).toMatch(/n2\/0 probing/);
  rollout.nowMs += 1;
  expect(rollout.next(failing).status).toBe('halted');
});

test('a wave whose failures halt the rollout has not passed, however long it is halted, until somebody goes on', () => {
  const rollout = new Rollout({ ...strict, waves: [{ nodes: 2 }] });
  rollout.next('n1 ready; n2 ready; n3 ready; n4 ready');
  rollout.next('n1 there; n2 ready; n3 ready; n4 ready');
  const failed = 'n1 there; n2 there; n3 failed>5; n4 ready';
  for (let look = 0; look < 2; look += 1) {
    const { status, waves, openWave } = rollout.next(failed);
    expect([status, waves[1]?.passedAtMs, openWave?.wave]).toEqual(['halted', null, 1]);
    rollout.nowMs += 60_000;
  }
  expect(rollout.next(failed, resume('known')).waves[1]?.passedAtMs).toBe(rollout.nowMs);
});

test('nor has one of which a host did not survive; who goes on has another one tried in its place', () => {
  const rollout = new Rollout({ ...strict, canaries: 2, allowedFailures: { nodes: 2 } });
  rollout.next('n1 ready; n2 ready; n3 ready; n4 ready');
  const crashed = 'n1 there; n2 quarantined>5; n3 ready; n4 ready';
  const { halt, waves } = rollout.next(crashed);
  expect([halt?.reason, waves[0]?.passedAtMs]).toEqual(['crash', null]);
  expect(moved(rollout.next(crashed, resume('known')))).toBe('n3');
});

test('who is tried again and gets there is judged by its first probe there, as anybody is', () => {
  const rollout = new Rollout({ ...strict, probing, canaries: 2, allowedFailures: { nodes: 1 } });
  rollout.next('n1 ready pass; n2 ready pass; n3 ready pass');
  const failed = 'n1 failed@4>5 pass; n2 moving@4>5; n3 ready pass';
  rollout.next(failed);
  rollout.next(failed, { kind: 'retry', reason: '', nodes: [] });
  rollout.next(failed);
  expect(show(rollout.next('n1 there fail; n2 moving@4>5; n3 ready pass'))).toContain('n1/0 probe-failed');
});
