// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { openShakyLink, type ShakyLink } from '@lockstep/testing/local-servers';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

// The connection breaks after the control plane has done what was asked for, and before it could say so. The command
// asks again by itself: it is told what came of the first time, and nothing was done twice.

let plane: TestPlane;
let link: ShakyLink;
const cluster = 'repeated';

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.build('fix', 'a');
  await plane.build('other', 'b');
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
  link = await openShakyLink(plane.endpoint.operatorAddress);
});
afterAll(async () => {
  await link.close();
  await plane.stop();
});

/** Each piece of an answer comes this late: a connection that stands needs some of them before it carries the call. */
const lateMs = 1_000;

/** Runs the command over a link that breaks when `isDone`, before the answer has come through. */
async function overBrokenLink(args: readonly string[], isDone: () => Promise<boolean>) {
  link.delayAnswersMs = lateMs;
  const running = runLockstep(plane.config.stateDir, [...args, '--server', link.address, '--json']);
  await eventually(async () => {
    expect(await isDone()).toBe(true);
  });
  link.delayAnswersMs = 0;
  link.cut();
  const { code, stdout, stderr } = await running;
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const entries = async () => (await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' })).entries;
const rollouts = async () => (await plane.operator.fleet.listRollouts({ cluster })).rollouts;
const clusterNames = async () => (await plane.operator.fleet.listClusters({})).clusters.map(({ name }) => name);

test('a cluster is made once', async () => {
  const answer = await overBrokenLink(['cluster', 'create', 'made-once'], async () =>
    (await clusterNames()).includes('made-once'),
  );
  expect(answer).toMatchObject({ name: 'made-once' });
});

test('an entry is appended once', async () => {
  const answer = await overBrokenLink(
    ['order', 'append', 'fix', '--cluster', cluster],
    async () => (await entries()).length === 1,
  );
  expect(answer).toMatchObject({ entry: { seq: 1 } });
  expect(await entries()).toHaveLength(1);
});

test('an entry is retired once', async () => {
  await plane.append(cluster, 'other');
  const answer = await overBrokenLink(
    ['order', 'retire', '2', '--cluster', cluster],
    async () => (await entries()).length === 3,
  );
  expect(answer).toMatchObject({ entry: { seq: 3 } });
  expect(await entries()).toHaveLength(3);
});

test('a rollout is started once, and is not superseded by itself', async () => {
  const agent = (await plane.enrol(cluster, 'r1')).connect();
  await eventually(() => {
    expect(agent.headSeq).toBe(3);
  });
  const answer = await overBrokenLink(
    ['rollout', 'start', '--cluster', cluster],
    async () => (await rollouts()).length === 1,
  );
  const all = await rollouts();
  expect(all).toHaveLength(1);
  expect(answer).toMatchObject({ id: all[0]!.id });
  agent.disconnect();
});

test('a node is removed once, and its answer is what it was', async () => {
  await plane.enrol(cluster, 'r2');
  const names = async () =>
    (await plane.operator.fleet.listNodes({ cluster, selector: '', withoutCve: '' })).nodes.map(({ name }) => name);
  const answer = await overBrokenLink(['node', 'remove', 'r2'], async () => !(await names()).includes('r2'));
  expect(answer).toMatchObject({ node: { name: 'r2', cluster } });
});

test('a cluster is changed once', async () => {
  const days = async () => {
    const { clusters } = await plane.operator.fleet.listClusters({});
    return clusters.find(({ name }) => name === cluster)?.removeSilentAfterDays;
  };
  await overBrokenLink(
    ['cluster', 'set', cluster, '--remove-silent-after-days', '30'],
    async () => (await days()) === 30,
  );
});

test('a patch is submitted once', async () => {
  const file = path.join(plane.folder.path, 'once.patch');
  writeFileSync(file, 'fn_once');
  const patches = async () => (await plane.operator.build.listPatches({ cve: '' })).patches.map(({ name }) => name);
  const answer = await overBrokenLink(['patch', 'submit', file], async () => (await patches()).includes('once'));
  expect(answer).toMatchObject({ patch: { name: 'once' } });
  const { builds } = await plane.operator.build.listBuilds({});
  expect(builds.filter(({ patchName }) => patchName === 'once')).toHaveLength(1);
});

test('a join token that nobody got is followed by another one', async () => {
  const answer = await overBrokenLink(['node', 'join', 'r3', '--cluster', cluster], async () => {
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    return true;
  });
  expect(answer).toMatchObject({ joinToken: expect.any(String) });
});
