// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  NodeStatus,
  ProbeVerdict,
  RolloutRules,
  RolloutStatus,
  type PlanRolloutResponse,
  type Rollout,
} from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
/** What Prometheus answers to any query: one number, or nothing. */
let prometheus: Server;
let answers: string | undefined = '0';
const names = ['c1', 'n1', 'n2', 'n3'];
const agents = new Map<string, TestAgent>();
const agent = (name: string): TestAgent => agents.get(name)!;

beforeAll(async () => {
  prometheus = createServer((request, response) => {
    request.resume();
    const result = answers === undefined ? [] : [{ metric: {}, value: [0, answers] }];
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  });
  await new Promise<void>((resolve) => prometheus.listen(0, '127.0.0.1', resolve));
  const { port } = prometheus.address() as AddressInfo;
  plane = await TestPlane.start({
    ...{ LOCKSTEP_PROMETHEUS_URL: `http://127.0.0.1:${port}`, LOCKSTEP_GATE_SECONDS: '1' },
  });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(async () => {
  await plane.stop();
  prometheus.closeAllConnections();
  prometheus.close();
});

const fleet = () => plane.operator.fleet;
const rolloutOf = async (id: string): Promise<Rollout> => (await fleet().getRollout({ id })).rollout!;
const show = ({ status, nodes }: Rollout): string =>
  `${RolloutStatus[status].slice('ROLLOUT_STATUS_'.length).toLowerCase()}: ` +
  nodes.map(({ node, notYet }) => `${node} ${notYet?.reason ?? 'there'}`).join(', ');

const eventuallyShows = (id: string, expected: string): Promise<unknown> =>
  eventually(async () => {
    expect(show(await rolloutOf(id))).toBe(expected);
  });

/** A cluster of four that obey, but for those named; a rollout of its first entry, one canary and a wave of three. */
async function rollOut(cluster: string, slow: readonly string[], rules: Partial<RolloutRules> = {}): Promise<string> {
  await fleet().createCluster({ ...switchingToWire({}), name: cluster });
  await plane.build(`fix-${cluster}`, 'a');
  await plane.append(cluster, `fix-${cluster}`);
  for (const name of names) {
    const made = await plane.enrol(cluster, `${cluster}-${name}`);
    made.obedient = !slow.includes(name);
    agents.set(name, made.connect());
  }
  await eventually(() => {
    expect(names.map((name) => agent(name).headSeq)).toEqual([1, 1, 1, 1]);
  });
  const asked = { cluster, kernelBuildId: '', toSeq: 0, canaries: 1, waveSize: 3, planHash: '' };
  return (await fleet().startRollout({ ...asked, rules: RolloutRules.fromPartial(rules) })).rollout!.id;
}

function arrive(name: string): void {
  Object.assign(agent(name), {
    status: NodeStatus.NODE_STATUS_IN_STEP,
    position: agent(name).target,
    problem: undefined,
  });
  agent(name).report();
}

function fail(name: string): void {
  const problem = { reason: 'no-space', message: 'The disk is full.' };
  Object.assign(agent(name), { status: NodeStatus.NODE_STATUS_FAILED, problem });
  agent(name).report();
}

const oneAtOnce = RolloutRules.fromPartial({
  atOnce: { of: { $case: 'nodes', value: 1 } },
  allowedFailures: { of: { $case: 'nodes', value: 0 } },
});

test('paused, who is on the way finishes and nobody starts; resumed it goes on; each word is kept with it', async () => {
  const id = await rollOut('p', ['n1'], oneAtOnce);
  const waits = 'p-n2 waiting-for-budget, p-n3 waiting-for-budget';
  await eventuallyShows(id, `running: p-c1 there, p-n1 moving, ${waits}`);
  const said = await runLockstep(plane.config.stateDir, ['rollout', 'pause', id, '--reason', 'lunch']);
  expect(said).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/paused, 1\/4 nodes there[^]*pause by person:local-admin: lunch/),
  });
  const paused = await rolloutOf(id);
  expect(show(paused)).toBe('paused: p-c1 there, p-n1 moving, p-n2 rollout-paused, p-n3 rollout-paused');
  expect(paused.waiting).toMatchObject({ reason: 'paused', until: undefined });
  await expect(fleet().pauseRollout({ id, reason: '' })).rejects.toMatchObject({ reason: 'not-running' });
  arrive('n1');
  await eventuallyShows(id, 'paused: p-c1 there, p-n1 there, p-n2 rollout-paused, p-n3 rollout-paused');
  await fleet().resumeRollout({ id, reason: '' });
  await eventuallyShows(id, 'succeeded: p-c1 there, p-n1 there, p-n2 there, p-n3 there');
  const { orders } = await rolloutOf(id);
  expect(orders.map(({ kind, reason, givenBy }) => [kind, reason, givenBy])).toEqual([
    ['pause', 'lunch', 'person:local-admin'],
    ['resume', '', 'person:local-admin'],
  ]);
  await expect(fleet().abortRollout({ id, reason: '' })).rejects.toMatchObject({ reason: 'rollout-ended' });
});

test('one that halts by itself says at which failure, and goes on only with a reason; a failed node is tried again', async () => {
  const id = await rollOut('h', ['n1'], oneAtOnce);
  await eventuallyShows(id, 'running: h-c1 there, h-n1 moving, h-n2 waiting-for-budget, h-n3 waiting-for-budget');
  fail('n1');
  await eventuallyShows(id, 'halted: h-c1 there, h-n1 failed, h-n2 rollout-halted, h-n3 rollout-halted');
  const { halt, waves } = await rolloutOf(id);
  expect(halt).toEqual({ reason: 'failures', message: '1 of 3 nodes of wave 1 failed, 0 may: h-n1.' });
  expect(waves).toMatchObject([
    { planned: 1, there: 1, failures: 0 },
    { planned: 3, there: 0, failures: 1, allowedFailures: 0, atOnce: 1 },
  ]);
  await expect(fleet().retryRollout({ id, reason: '', nodes: [] })).rejects.toMatchObject({ reason: 'not-running' });
  await expect(fleet().resumeRollout({ id, reason: '' })).rejects.toMatchObject({ reason: 'reason-needed' });
  await fleet().resumeRollout({ id, reason: 'only n1 is full' });
  // The others go on without it; it keeps the rollout from its end until it is mended, or its time has passed.
  await eventuallyShows(id, 'running: h-c1 there, h-n1 failed, h-n2 there, h-n3 there');
  expect((await rolloutOf(id)).waiting).toMatchObject({ reason: 'absent', until: expect.any(Date) });
  await expect(fleet().retryRollout({ id, reason: '', nodes: ['h-n2'] })).rejects.toMatchObject({
    reason: 'not-failed',
  });
  const { rollout } = await fleet().retryRollout({ id, reason: 'mended', nodes: ['h-n1'] });
  expect(show(rollout!)).toBe('running: h-c1 there, h-n1 stuck, h-n2 there, h-n3 there');
  arrive('n1');
  await eventuallyShows(id, 'succeeded: h-c1 there, h-n1 there, h-n2 there, h-n3 there');
});

test('aborted it stays where it is, for good', async () => {
  const id = await rollOut('a', ['n1'], oneAtOnce);
  await eventuallyShows(id, 'running: a-c1 there, a-n1 moving, a-n2 waiting-for-budget, a-n3 waiting-for-budget');
  await fleet().abortRollout({ id, reason: 'wrong patch' });
  arrive('n1');
  await eventuallyShows(id, 'aborted: a-c1 there, a-n1 there, a-n2 rollout-aborted, a-n3 rollout-aborted');
  await expect(fleet().resumeRollout({ id, reason: 'no' })).rejects.toMatchObject({ reason: 'rollout-ended' });
});

test('a node that does not arrive in time is a failure: a rollout never hangs', async () => {
  const id = await rollOut('d', ['n1'], { ...oneAtOnce, deadlineSeconds: 2 });
  await eventuallyShows(id, 'halted: d-c1 there, d-n1 overdue, d-n2 rollout-halted, d-n3 rollout-halted');
});

test('a wave has to stay well before the next one opens, and a kernel that complains meanwhile halts it', async () => {
  const waits = 'b-n1 waiting-for-canary, b-n2 waiting-for-canary, b-n3 waiting-for-canary';
  const id = await rollOut('b', [], { bakeSeconds: 600 });
  await eventuallyShows(id, `running: b-c1 there, ${waits}`);
  const { waiting, waves } = await rolloutOf(id);
  expect(waiting).toMatchObject({ reason: 'bake', until: expect.any(Date) });
  expect(waves[0]).toMatchObject({ there: 1, passedAt: undefined });
  const shown = await runLockstep(plane.config.stateDir, ['rollout', 'show', id]);
  expect(shown.stdout).toMatch(/All of the canaries are there, and have to stay well\. Until .* at the latest/);
  agent('c1').trouble = { id: 'boot/9', kind: 'warning', message: 'WARNING: CPU: 0 PID: 1 at f' };
  agent('c1').report();
  await eventuallyShows(id, 'halted: b-c1 unwell, b-n1 rollout-halted, b-n2 rollout-halted, b-n3 rollout-halted');
});

test('a node is loaded when its probes pass, its wave is over when they pass again, and one that fails there is a failure', async () => {
  const waits = 'w-n1 waiting-for-canary, w-n2 waiting-for-canary, w-n3 waiting-for-canary';
  const id = await rollOut('w', ['c1'], { probes: ['tcp=127.0.0.1:22'], probeTimeoutMs: 2_000 });
  await eventuallyShows(id, `running: w-c1 moving, ${waits}`);
  expect(agent('c1').probeOrder).toEqual({ probes: ['tcp=127.0.0.1:22'], everyMs: 10_000, timeoutMs: 2_000 });
  expect(agent('n1').probeOrder).toBeUndefined();
  agent('c1').verdict = ProbeVerdict.PROBE_VERDICT_ERROR;
  arrive('c1');
  const held = 'w-n1 rollout-paused, w-n2 rollout-paused, w-n3 rollout-paused';
  await eventuallyShows(id, `paused: w-c1 unmeasured, ${held}`);
  const { waiting, probes } = await rolloutOf(id);
  expect([probes, waiting]).toMatchObject([['tcp=127.0.0.1:22'], { reason: 'inconclusive', until: undefined }]);
  expect(waiting?.message).toMatch(/^Inconclusive: 1 node of the canaries could not be measured, 0 may: w-c1\./);
  agent('c1').verdict = ProbeVerdict.PROBE_VERDICT_FAIL;
  agent('c1').report();
  await eventuallyShows(id, 'halted: w-c1 probe-failed, w-n1 rollout-halted, w-n2 rollout-halted, w-n3 rollout-halted');
  const { stdout } = await runLockstep(plane.config.stateDir, ['node', 'show', 'w-c1']);
  expect(stdout).toMatch(/Probed: +tcp=127\.0\.0\.1:22: fail at position 1, it says so/);
  agent('c1').verdict = ProbeVerdict.PROBE_VERDICT_PASS;
  agent('c1').report();
  await fleet().resumeRollout({ id, reason: 'mended' });
  await eventuallyShows(id, 'succeeded: w-c1 there, w-n1 there, w-n2 there, w-n3 there');
  await eventually(() => {
    expect(names.map((name) => agent(name).probeOrder?.probes)).toEqual([[], [], [], []]);
  });
});

test('a wave passes when a number keeps to its bound; one that leaves it halts, and no data is for a person to judge', async () => {
  answers = undefined;
  const id = await rollOut('g', [], { gates: ['errors=rate(errors_total[5m]) <= 0.01'] });
  const held = 'g-n1 rollout-paused, g-n2 rollout-paused, g-n3 rollout-paused';
  await eventuallyShows(id, `paused: g-c1 there, ${held}`);
  const { gates, waiting } = await rolloutOf(id);
  expect(gates).toEqual(['errors=rate(errors_total[5m]) <= 0.01']);
  expect(waiting?.message).toMatch(/^Inconclusive: gate errors could not be measured .*: the query has no data\./);
  answers = '0.5';
  await fleet().resumeRollout({ id, reason: 'there is no traffic yet' });
  // The canaries' gates are waived; those of the next wave are asked anew.
  await eventuallyShows(id, 'halted: g-c1 there, g-n1 there, g-n2 there, g-n3 there');
  expect((await rolloutOf(id)).halt).toEqual({
    reason: 'gate',
    message: 'Gate errors is 0.5 at wave 1, and has to be <= 0.01.',
  });
  answers = '0';
  await fleet().resumeRollout({ id, reason: 'it was a test of ours' });
  await eventuallyShows(id, 'succeeded: g-c1 there, g-n1 there, g-n2 there, g-n3 there');
});

test('a plan ships nothing, says everything, and is begun exactly as it was shown, or what has changed is said', async () => {
  const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);
  const first = await rollOut('q', []);
  await eventuallyShows(first, 'succeeded: q-c1 there, q-n1 there, q-n2 there, q-n3 there');
  await plane.append('q', 'fix-p', 'fix-q');
  const planned = await lockstep(
    'rollout',
    'plan',
    '--cluster',
    'q',
    '--waves',
    '2',
    '--allowed-failures',
    '1',
    '--json',
  );
  const { hash, rollout, nodes, torn } = JSON.parse(planned.stdout) as PlanRolloutResponse;
  expect(rollout).toMatchObject({ id: '', cluster: 'q', toSeq: 2 });
  expect(nodes.map(({ node, loads, unloads, leftOut }) => [node, loads.length, unloads, leftOut])).toEqual(
    names.map((name) => [`q-${name}`, 1, [], '']),
  );
  expect(torn).toEqual([]);
  expect(names.map((name) => agent(name).target)).toEqual([1, 1, 1, 1]);
  const shown = await lockstep('rollout', 'plan', '--cluster', 'q', '--waves', '2', '--allowed-failures', '1');
  expect(shown.stdout).toMatch(
    /4 nodes in 3 waves\. Nothing has been shipped\.[^]*wave 1: [^]*halts at failure 2 of 2/,
  );
  expect(shown.stdout).toContain(`lockstep rollout start --cluster q --plan ${hash}`);

  const start = (cluster: string) => lockstep('rollout', 'start', '--cluster', cluster, '--plan', hash, '--json');
  expect(JSON.parse((await start('p')).stdout)).toMatchObject({ error: { reason: 'unknown-plan' } });
  agent('n2').disconnect();
  const late = (await plane.enrol('q', 'q-late')).connect();
  await eventually(async () => {
    expect(late.headSeq).toBe(2);
    expect((await fleet().getNode({ name: 'q-late' })).node?.connected).toBe(true);
  });
  const refused = JSON.parse((await start('q')).stdout) as { error: { reason: string; fields: { changes: string[] } } };
  expect(refused.error).toMatchObject({
    reason: 'plan-changed',
    fields: { changes: expect.arrayContaining(['q-late has come.']) },
  });
  await fleet().removeNode({ name: 'q-late' });
  agent('n2').connect();
  await eventually(async () => {
    expect(JSON.parse((await start('q')).stdout)).toMatchObject({ cluster: 'q', toSeq: 2, waves: [{}, {}, {}] });
  });
});

test('a policy that can never be met is refused', async () => {
  await fleet().createCluster({ ...switchingToWire({}), name: 'r' });
  await plane.append('r', 'fix-p');
  (await plane.enrol('r', 'r-1')).connect();
  const ask = { cluster: 'r', kernelBuildId: '', toSeq: 0, canaries: 2, waveSize: 0, rules: undefined, planHash: '' };
  await eventually(async () => {
    await expect(fleet().startRollout(ask)).rejects.toMatchObject({
      reason: 'invalid-policy',
      message: expect.stringMatching(/at most 1/),
    });
  });
});
