// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

// Labels from where they are written (an agent's configuration, an operator's command) to the nodes that they select.

let plane: TestPlane;
const agents: TestAgent[] = [];

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  const labels = [{ rack: 'a1', tier: 'web' }, { rack: 'a1' }, { rack: 'b2', zone: 'c' }];
  for (const [at, each] of labels.entries()) {
    agents.push((await plane.enrol('web', `n${at + 1}`)).connect({ labels: each }));
  }
  await eventually(async () => {
    expect(await chosen('rack')).toEqual(['n1', 'n2', 'n3']);
  });
});
afterAll(() => plane.stop());

const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);
const namesIn = (json: string): string[] =>
  (JSON.parse(json) as { nodes: { name: string }[] }).nodes.map(({ name }) => name);
async function chosen(selector: string): Promise<string[]> {
  const { nodes } = await plane.operator.fleet.listNodes({ cluster: 'web', selector, withoutCve: '' });
  return nodes.map(({ name }) => name);
}

test('operators label nodes, of all or of none, and select them by their own words and the agents’', async () => {
  const { code, stdout } = await lockstep('node', 'label', 'n1', 'n2', 'tier=db', 'zone=a');
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^n2 .* rack=a1,tier=db,zone=a$/m)]);
  const listed = await lockstep('node', 'ls', '-l', 'rack=a1,tier!=web,zone in (a,b)', '--json');
  expect(namesIn(listed.stdout)).toEqual(['n1', 'n2']);
  expect(await chosen('tier!=db')).toEqual(['n3']);

  const refused = await lockstep('node', 'label', 'n3', 'n1', 'tier=web');
  expect([refused.code, refused.stderr]).toEqual([
    1,
    'error: Node n1 has tier=db already: say --overwrite to give it another value.\nnext: lockstep node show n1\n',
  ]);
  expect((await lockstep('node', 'label', 'n3', 'nobody', 'tier=web')).stderr).toMatch(/There is no node "nobody"/);
  expect(await chosen('tier=web')).toEqual([]);
  expect((await lockstep('node', 'label', 'n1', 'n3', 'tier=web', '--overwrite')).code).toBe(0);
  expect(await chosen('tier=web')).toEqual(['n1', 'n3']);
});

test('a label that operators take back is again what the agent says, which is taken back there alone', async () => {
  await lockstep('node', 'label', 'n1', 'rack=moved');
  expect((await lockstep('node', 'show', 'n1')).stdout).toMatch(/^Its agent says: +rack=a1/m);
  await lockstep('node', 'label', 'n1', 'rack-');
  expect(await chosen('rack=a1')).toEqual(['n1', 'n2']);
  const refused = await lockstep('node', 'label', 'n1', 'rack-');
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/says rack=a1: take it from LOCKSTEP_AGENT_LABELS/),
  ]);
});

test('labels outlive the control plane; an agent’s are those that it came with last', async () => {
  await lockstep('node', 'label', 'n2', 'kept=yes', '--overwrite');
  await plane.restart();
  expect(await chosen('kept=yes')).toEqual(['n2']);
  expect(await chosen('rack=a1')).toEqual(['n1', 'n2']);
  agents[1]!.connect({ labels: { rack: 'c3' } });
  await eventually(async () => {
    expect(await chosen('rack=c3,kept=yes')).toEqual(['n2']);
  });
});

test.each([
  [['node', 'ls', '-l', 'zone in (a'], 2, /selects no nodes: use KEY, !KEY/],
  [['node', 'label', 'n1', 'rack=a b'], 2, /"a b" is not the value of a label/],
  [['node', 'label', 'n1'], 2, /KEY=VALUE sets one, KEY- removes one/],
  [['node', 'label', 'rack=a'], 2, /KEY=VALUE sets one, KEY- removes one/],
  [['node', 'label', 'n1', 'a=1', 'a=2'], 2, /a is given twice/],
  [['node', 'label', 'n1', 'a=1', 'a-'], 2, /set and removed: say one/],
])('%j is told what is wrong', async (args, code, expected) => {
  const result = await lockstep(...args);
  expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(expected)]);
});

test('an agent whose labels are none is told so, and its node keeps those that it had', async () => {
  agents[2]!.disconnect();
  await agents[2]!.ended;
  agents[2]!.connect({ labels: { 'no label': 'x' } });
  expect(await agents[2]!.ended).toMatchObject({ kind: 'invalid-input', reason: 'invalid-label' });
  expect(await chosen('rack=b2')).toEqual(['n3']);
});
