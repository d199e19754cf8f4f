// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ListNodesRequest, NodeStatus, StartRolloutRequest, type NodeDrift } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
let agent: TestAgent;

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  await plane.build('a', 'a');
  await plane.append('web', 'a');
  agent = Object.assign(await plane.enrol('web', 'n1'), { showsStack: true }).connect();
  await eventually(() => {
    expect(agent.headSeq).toBe(1);
  });
  await plane.operator.fleet.startRollout(StartRolloutRequest.fromPartial({ cluster: 'web' }));
  await eventually(() => {
    expect(agent.position).toBe(1);
  });
});
afterAll(() => plane.stop());

const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);

async function drift(): Promise<NodeDrift[]> {
  const { stdout } = await lockstep('drift', 'ls', '--json');
  return (JSON.parse(stdout) as { nodes: NodeDrift[] }).nodes;
}

test('a node that has left its position is shown, and what is foreign is unloaded on command alone', async () => {
  await eventually(async () => {
    expect(await drift()).toEqual([]);
  });
  await expect(plane.operator.fleet.repairNode({ name: 'n1' })).rejects.toMatchObject({ reason: 'not-drifted' });

  const byHand = { moduleName: 'by_hand', enabled: true, transition: false, functions: [], artifactSha256: '' };
  Object.assign(agent, { foreign: [byHand], status: NodeStatus.NODE_STATUS_DIVERGED });
  agent.report();
  await eventually(async () => {
    expect(await drift()).toMatchObject([{ node: 'n1', position: 1, foreign: ['by_hand'], missing: [], surplus: [] }]);
  });
  const shown = await lockstep('cluster', 'show', 'web');
  expect(shown.stdout).toContain(
    'n1 holds by_hand, which no entry loads: `lockstep drift repair n1` has that unloaded',
  );
  expect(agent.repaired).toEqual([]);
  expect(await lockstep('drift', 'repair', 'n1')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('by_hand'),
  });
  await eventually(() => {
    expect(agent.repaired).toEqual(['by_hand']);
  });
  // Its stream ends before it has done it: it is told again, and no more once it is done.
  agent.disconnect();
  await agent.ended;
  agent.repaired.length = 0;
  agent.connect();
  await eventually(() => {
    expect(agent.repaired).toEqual(['by_hand']);
  });
  Object.assign(agent, { foreign: [], status: NodeStatus.NODE_STATUS_IN_STEP });
  agent.report();
  await eventually(async () => {
    expect(await drift()).toEqual([]);
  });
  agent.repaired.length = 0;
  agent.disconnect();
  await agent.ended;
  agent.connect();
  await eventually(async () => {
    const { nodes } = await plane.operator.fleet.listNodes(ListNodesRequest.fromPartial({ cluster: 'web' }));
    expect(nodes).toMatchObject([{ connected: true }]);
  });
  expect(agent.repaired).toEqual([]);
});

test('what is missing a node mends by itself: a repair says so, with the reason of the node', async () => {
  Object.assign(agent, { showsStack: false });
  agent.report();
  await eventually(async () => {
    expect(await drift()).toMatchObject([{ node: 'n1', missing: ['lockstep_a'], foreign: [] }]);
  });
  await expect(plane.operator.fleet.repairNode({ name: 'n1' })).rejects.toMatchObject({
    reason: 'nothing-foreign',
    message: expect.stringContaining('n1 does not hold lockstep_a. Its agent mends that by itself'),
  });
  agent.disconnect();
  await agent.ended;
});
