// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { NodeReport, NodeStatus, RolloutStatus, type Node } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

/** As it is decoded: a number that no name belongs to. */
const newerStatus = NodeReport.decode(Uint8Array.of(8, 99)).status;

let plane: TestPlane;
const agents = new Map<string, TestAgent>();
const agent = (name: string): TestAgent => agents.get(name)!;
const nodeNamed = async (name: string): Promise<Node> => (await plane.operator.fleet.getNode({ name })).node!;

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  for (const fn of ['a', 'b', 'c']) {
    await plane.build(`fix-${fn}`, fn);
    await plane.append('web', `fix-${fn}`);
  }
  for (const name of ['n1', 'n2', 'n3']) agents.set(name, (await plane.enrol('web', name)).connect());
  await eventually(() => {
    expect([...agents.values()].map(({ seqs }) => seqs)).toEqual(Array(3).fill([1, 2, 3]));
  });
});
afterAll(() => plane.stop());

test.each<[string, Partial<NodeReport>]>([
  ['a target that no log has', { target: 4294967295 }],
  [
    'a position beyond the head on the way to one below',
    { position: 9, target: 1, status: NodeStatus.NODE_STATUS_MOVING },
  ],
  ['another boot', { bootId: 'elsewhere' }],
])('a node that reports %s is held out alone, by name; its cluster goes on', async (_, lie) => {
  agent('n2').report(lie);
  await eventually(async () => {
    expect((await nodeNamed('n2')).report).toMatchObject({
      status: NodeStatus.NODE_STATUS_IMPLAUSIBLE,
      problem: { reason: 'implausible' },
    });
  });
  const toSeq = agent('n1').position + 1;
  const request = {
    cluster: 'web',
    kernelBuildId: '',
    toSeq,
    canaries: 1,
    waveSize: 0,
    rules: undefined,
    planHash: '',
    // The one before may not have ended yet, or wait for the node that was held out.
    supersede: true,
  };
  const { rollout } = await plane.operator.fleet.startRollout(request);
  await eventually(async () => {
    const { nodes } = (await plane.operator.fleet.getRollout({ id: rollout!.id })).rollout!;
    expect(nodes.map(({ node, notYet }) => `${node} ${notYet?.reason ?? 'there'}`).sort()).toEqual([
      'n1 there',
      'n2 implausible',
      'n3 there',
    ]);
  });
  expect(agent('n2').target).toBeLessThan(request.toSeq);
  agent('n2').report();
  await eventually(() => {
    expect([...agents.values()].map(({ position }) => position)).toEqual([request.toSeq, request.toSeq, request.toSeq]);
  });
});

test('a node that falls behind what it acknowledged is held out until it has booted anew', async () => {
  await eventually(async () => {
    expect((await nodeNamed('n3')).report?.target).toBe(agent('n3').target);
  });
  agent('n3').report({ position: 0, target: 0 });
  await eventually(async () => {
    expect((await nodeNamed('n3')).report).toMatchObject({ status: NodeStatus.NODE_STATUS_IMPLAUSIBLE });
  });
  agent('n3').connect({ bootId: 'after' });
  await eventually(async () => {
    expect((await nodeNamed('n3')).report).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP });
  });
});

test('a status that only a newer agent knows cuts nobody off', async () => {
  agent('n3').report({ status: newerStatus });
  await eventually(async () => {
    expect(await nodeNamed('n3')).toMatchObject({ connected: true, report: { problem: { reason: 'unknown-status' } } });
  });
  agent('n3').report();
  await eventually(async () => {
    expect((await nodeNamed('n3')).report).toMatchObject({ status: NodeStatus.NODE_STATUS_IN_STEP });
  });
});

test('of two machines with one key one stays; the other is told, and operators see it', async () => {
  const { certificate, key } = await plane.credentials('web', 'n4');
  const original = plane.agent(certificate, key).connect({ bootId: 'b-original' });
  await eventually(async () => {
    expect((await nodeNamed('n4')).report).toBeDefined();
  });
  const copy = plane.agent(certificate, key).connect({ bootId: 'b-copy' });
  expect(await original.ended).toMatchObject({ reason: 'replaced' });
  original.connect({ bootId: 'b-original' });
  await original.ended;
  expect(original.rejection).toBe('cloned');
  copy.report();
  await eventually(async () => {
    const { connected, report } = await nodeNamed('n4');
    expect([connected, report?.status]).toEqual([true, NodeStatus.NODE_STATUS_IMPLAUSIBLE]);
    expect(report?.problem?.message).toMatch(/b-copy and b-original.*lockstep node join/);
  });
});

test('a node whose journal is damaged is named, with what is wrong; the rollout goes past it, and takes it along when it is mended', async () => {
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'damaged' });
  await plane.append('damaged', 'fix-a');
  const broken = await plane.enrol('damaged', 'd1');
  const healthy = (await plane.enrol('damaged', 'd2')).connect();
  broken.status = NodeStatus.NODE_STATUS_FAILED;
  broken.problem = { reason: 'journal-damaged', message: 'The journal does not verify.' };
  broken.isDamaged = true;
  broken.connect();
  await eventually(async () => {
    expect((await nodeNamed('d1')).report?.problem?.reason).toBe('journal-damaged');
    expect(healthy.headSeq).toBe(1);
  });
  const request = {
    cluster: 'damaged',
    kernelBuildId: '',
    toSeq: 0,
    canaries: 1,
    waveSize: 0,
    rules: undefined,
    planHash: '',
  };
  const { id } = (await plane.operator.fleet.startRollout(request)).rollout!;
  const standing = async () => {
    const { nodes, status } = (await plane.operator.fleet.getRollout({ id })).rollout!;
    return [RolloutStatus[status], ...nodes.map(({ node, notYet }) => `${node} ${notYet?.reason ?? 'there'}`).sort()];
  };
  await eventually(async () => {
    expect(await standing()).toEqual(['ROLLOUT_STATUS_RUNNING', 'd1 failed', 'd2 there']);
  });
  const { nodes } = (await plane.operator.fleet.getRollout({ id })).rollout!;
  expect(nodes.find(({ node }) => node === 'd1')).toMatchObject({
    awaited: true,
    notYet: { message: 'Failed: The journal does not verify.' },
  });
  broken.status = NodeStatus.NODE_STATUS_IN_STEP;
  broken.problem = undefined;
  broken.isDamaged = false;
  broken.report();
  await eventually(async () => {
    expect(await standing()).toEqual(['ROLLOUT_STATUS_SUCCEEDED', 'd1 there', 'd2 there']);
  });
});
