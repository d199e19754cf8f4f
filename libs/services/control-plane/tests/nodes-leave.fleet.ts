// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
// eslint-disable-next-line no-restricted-imports -- it makes rows older than they are, which no interface does
import { Client } from 'pg';
import { RolloutRules, RolloutStatus, type Rollout } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol } from '@lockstep/io/rpc-client';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

// Nodes that will never come back: what waits for them, and how they are taken out.

let plane: TestPlane;
const cluster = 'leaving';

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_SILENCE_CHECK_SECONDS: '1' });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
  await plane.build('fix', 'a');
  await plane.append(cluster, 'fix');
});
afterAll(() => plane.stop());

const names = async (): Promise<string[]> =>
  (await plane.operator.fleet.listNodes({ cluster, selector: '', withoutCve: '' })).nodes.map(({ name }) => name);

const rolloutOf = async (id: string): Promise<Rollout> => (await plane.operator.fleet.getRollout({ id })).rollout!;

/** Whoever is lost, it goes on. */
async function rollOut(): Promise<string> {
  const rules = RolloutRules.fromPartial({ allowedFailures: { of: { $case: 'percent', value: 100 } } });
  const request = { cluster, kernelBuildId: '', toSeq: 0, canaries: 1, waveSize: 2, rules, planHash: '' };
  return (await plane.operator.fleet.startRollout(request)).rollout!.id;
}

test('a rollout says whom it waits for and since when, and ends without those that are taken out', async () => {
  const agents = new Map<string, TestAgent>();
  for (const name of ['l1', 'l2', 'l3']) agents.set(name, (await plane.enrol(cluster, name)).connect());
  await eventually(() => {
    expect([...agents.values()].map(({ headSeq }) => headSeq)).toEqual([1, 1, 1]);
  });
  agents.get('l3')!.disconnect();
  await agents.get('l3')!.ended;
  const id = await rollOut();
  await eventually(async () => {
    const { nodes, status } = await rolloutOf(id);
    // It was told to move, as far as anybody knew, and is gone since.
    expect(nodes[2]?.notYet?.reason).toBe('lost');
    expect(status).toBe(RolloutStatus.ROLLOUT_STATUS_RUNNING);
    expect(nodes.map(({ node, awaited }) => [node, awaited])).toEqual([
      ['l1', false],
      ['l2', false],
      ['l3', true],
    ]);
  });
  const [, , away] = (await rolloutOf(id)).nodes;
  expect(Math.abs(Date.now() - away!.since!.getTime())).toBeLessThan(60_000);

  const { node } = await plane.operator.fleet.removeNode({ name: 'l3' });
  expect(node).toMatchObject({ name: 'l3', cluster, connected: false });
  await eventually(async () => {
    expect((await rolloutOf(id)).status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  });
  // Shares are of the nodes that it was planned with, and who has left is told.
  expect((await rolloutOf(id)).waves.map(({ planned, left }) => [planned, left])).toEqual([
    [1, 0],
    [2, 1],
  ]);
  expect(await names()).toEqual(['l1', 'l2']);
  await expect(plane.operator.fleet.removeNode({ name: 'l3' })).rejects.toMatchObject({ reason: 'unknown-node' });
  // Its certificate is worth nothing any more, and its name may join again.
  agents.get('l3')!.connect();
  expect(await agents.get('l3')!.ended).toMatchObject({ kind: 'forbidden', reason: 'unknown-node' });
  const again = (await plane.enrol(cluster, 'l3')).connect();
  await eventually(() => {
    expect(again.position).toBe(1);
  });
  for (const agent of [...agents.values(), again]) agent.disconnect();
});

test('a node that is connected is cut off when it is taken out, and its tokens are worth nothing', async () => {
  const joinToken = await plane.joinToken(cluster, 'l4');
  const { privateKeyPem, requestPem } = await createCertificateRequest();
  const asks = () => enrol({ address: plane.endpoint.operatorAddress, joinToken, certificateRequest: requestPem });
  const agent = plane.agent((await asks()).certificate, privateKeyPem).connect();
  const unused = await plane.joinToken(cluster, 'l4');
  await eventually(() => {
    expect(agent.headSeq).toBe(1);
  });
  await plane.operator.fleet.removeNode({ name: 'l4' });
  expect(await agent.ended).toMatchObject({ kind: 'forbidden', reason: 'node-removed' });
  await expect(asks()).rejects.toMatchObject({ reason: 'join-token-refused' });
  const { requestPem: other } = await createCertificateRequest();
  await expect(
    enrol({ address: plane.endpoint.operatorAddress, joinToken: unused, certificateRequest: other }),
  ).rejects.toMatchObject({ reason: 'join-token-refused' });
});

test('by policy a node that is silent for too long goes by itself; one that is connected stays', async () => {
  const { fleet } = plane.operator;
  const here = (await plane.enrol(cluster, 'l5')).connect();
  await plane.enrol(cluster, 'l6');
  await eventually(() => {
    expect(here.headSeq).toBe(1);
  });
  const pg = new Client({ connectionString: plane.endpoint.databaseUrl });
  await pg.connect();
  const silence = (days: number) =>
    pg.query(
      `UPDATE nodes SET last_seen_at = now() - make_interval(days => $1), enrolled_at = now() - make_interval(days => 90)
       WHERE name IN ('l5', 'l6')`,
      [days],
    );
  await silence(60);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  // Off unless somebody wants it.
  expect(await names()).toContain('l6');
  const change = { name: cluster, consistency: undefined, transitionTimeoutMs: undefined, stableMs: undefined };
  await expect(fleet.updateCluster({ ...change, removeSilentAfterDays: 4000 })).rejects.toMatchObject({
    reason: 'invalid-days',
  });
  await silence(20);
  expect((await fleet.updateCluster({ ...change, removeSilentAfterDays: 30 })).cluster).toMatchObject({
    removeSilentAfterDays: 30,
  });
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect(await names()).toContain('l6');
  await silence(31);
  await eventually(async () => {
    expect(await names()).not.toContain('l6');
  });
  expect(await names()).toContain('l5');
  await pg.end();
  here.disconnect();
});

test('a sign of life rewrites no row, and what is new is written soon, and at the latest when the control plane stops', async () => {
  const agent = (await plane.enrol(cluster, 'quiet')).connect();
  const client = new Client({ connectionString: plane.endpoint.databaseUrl });
  await client.connect();
  const row = async (): Promise<{ version: string; written: boolean }> => {
    const { rows } = await client.query<{ version: string; written: boolean }>(
      `SELECT xmin::text AS version, report IS NOT NULL AS written FROM nodes WHERE name = 'quiet'`,
    );
    return rows[0]!;
  };
  await eventually(async () => {
    expect((await row()).written).toBe(true);
  });
  await eventually(async () => {
    const { version } = await row();
    for (let beat = 0; beat < 20; beat += 1) agent.report();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await row()).version).toBe(version);
  });
  agent.report({ problem: { reason: 'last-word', message: 'x' } });
  await eventually(async () => {
    const { node } = await plane.operator.fleet.getNode({ name: 'quiet' });
    expect(node?.report?.problem?.reason).toBe('last-word');
  });
  await client.end();
  await plane.restart();
  const { node } = await plane.operator.fleet.getNode({ name: 'quiet' });
  expect([node?.connected, node?.report?.problem?.reason]).toEqual([false, 'last-word']);
});
