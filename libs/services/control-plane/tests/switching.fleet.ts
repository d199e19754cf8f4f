// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Consistency, type LogEntry } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { Switching } from '@lockstep/domain/load-order';
import { eventually, TestPlane } from './test-plane';

// How kernels switch: what a cluster says, what an entry says, and what is signed of it.

let plane: TestPlane;
const cluster = 'switching';

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

async function append(patch: string, switching: Switching = {}, mayInterrupt = false): Promise<LogEntry['body']> {
  await plane.build(patch, `f_${patch}`);
  const place = { cluster, patch, kernelBuildId: '', buildId: '', overrides: [], expectedSeq: 0, mayInterrupt };
  return (await plane.operator.fleet.appendLoad({ ...place, ...switchingToWire(switching) })).entry!.body;
}

const saying = (switching: Switching) => ({ $case: 'load', value: switchingToWire(switching) });

test('entries are signed with what they say, or else with what their cluster says at that time', async () => {
  const { fleet } = plane.operator;
  const created = switchingToWire({ consistency: 'system', transitionTimeoutMs: 30_000, stableMs: 60_000 });
  expect((await fleet.createCluster({ name: cluster, ...created })).cluster).toMatchObject(created);
  const first = await append('one');
  expect(first).toMatchObject(saying({ consistency: 'system', transitionTimeoutMs: 30_000, stableMs: 60_000 }));
  const own = { consistency: 'stop_machine', transitionTimeoutMs: 5000, stableMs: 5000 } as const;
  expect(await append('two', own)).toMatchObject(saying(own));
  expect(await append('three', { transitionTimeoutMs: 7000 })).toMatchObject(
    saying({ consistency: 'system', transitionTimeoutMs: 7000, stableMs: 60_000 }),
  );

  const change = { name: cluster, consistency: undefined, transitionTimeoutMs: 90_000, stableMs: 120_000 };
  const { cluster: changed } = await fleet.updateCluster(change);
  expect(changed).toMatchObject({
    consistency: Consistency.CONSISTENCY_SYSTEM,
    transitionTimeoutMs: 90_000,
    stableMs: 120_000,
  });
  expect(await append('four')).toMatchObject(
    saying({ consistency: 'system', transitionTimeoutMs: 90_000, stableMs: 120_000 }),
  );
  const reset = {
    name: cluster,
    consistency: Consistency.CONSISTENCY_UNSPECIFIED,
    transitionTimeoutMs: 0,
    stableMs: 0,
  };
  expect((await fleet.updateCluster(reset)).cluster).toMatchObject(switchingToWire({}));
  expect(await append('five')).toMatchObject(saying({}));
  expect(await append('six', {}, true)).toMatchObject({ $case: 'load', value: { mayInterrupt: true } });
  expect((await fleet.listClusters({})).clusters).toMatchObject([{ name: cluster, ...switchingToWire({}) }]);

  // What was appended before stays as it was signed: an agent that checks every hash takes all of it.
  const { entries } = await fleet.getOrder({ cluster, kernelBuildId: '' });
  expect(entries[0]?.body).toEqual(first);
  const agent = (await plane.enrol(cluster, 's1')).connect();
  while (agent.headSeq < entries.length) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(agent.headHash).toBe(entries.at(-1)?.hash);
});

test('an entry that a member could not read is refused, naming it, until its agent is a newer one', async () => {
  const agents = [await plane.enrol(cluster, 'old'), await plane.enrol(cluster, 'older')];
  agents[0]!.connect({ entryVersions: [1], agentVersion: '0.0.9' });
  agents[1]!.connect({ entryVersions: [], agentVersion: '' });
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual([6, 6]);
  });
  const refused = append('stays-out', { stableMs: 5000 });
  await expect(refused).rejects.toMatchObject({
    ...{ kind: 'refused', reason: 'members-cannot-read', fields: { version: 2, nodes: ['old', 'older'] } },
    message: expect.stringContaining('old (agent 0.0.9)'),
  });
  expect((await plane.operator.fleet.getOrder({ cluster, kernelBuildId: '' })).entries).toHaveLength(6);
  for (const agent of agents) agent.connect({ entryVersions: [1, 2] });
  await eventually(async () => {
    expect(await append('stays-out', { stableMs: 5000 })).toMatchObject(saying({ stableMs: 5000 }));
  });
  await eventually(() => {
    expect(agents.map(({ headSeq }) => headSeq)).toEqual([7, 7]);
  });
});

test('what cannot be is refused, and nothing changes', async () => {
  const { fleet } = plane.operator;
  const wrong = { ...switchingToWire({}), transitionTimeoutMs: 10 };
  const reason = 'invalid-transition-timeout';
  await expect(fleet.createCluster({ name: 'hasty', ...wrong })).rejects.toMatchObject({ reason });
  const change = { name: cluster, consistency: undefined, transitionTimeoutMs: 10 };
  await expect(fleet.updateCluster(change)).rejects.toMatchObject({ reason });
  const unknown = { ...change, name: 'nowhere', transitionTimeoutMs: 5000 };
  await expect(fleet.updateCluster(unknown)).rejects.toMatchObject({ reason: 'unknown-cluster' });
  await expect(append('seven', { stableMs: 10 })).rejects.toMatchObject({ reason: 'invalid-stable-time' });
  await expect(append('seven', { transitionTimeoutMs: 10 })).rejects.toMatchObject({ reason });
  expect((await fleet.listClusters({})).clusters).toMatchObject([{ name: cluster, ...switchingToWire({}) }]);
  expect((await fleet.getOrder({ cluster, kernelBuildId: '' })).entries).toHaveLength(7);
});
