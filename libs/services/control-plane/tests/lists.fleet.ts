// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { NodeStatus, RolloutStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { defaultRules } from '@lockstep/domain/rollout-planner';
import { listAll, type OperatorClient } from '@lockstep/io/rpc-client';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { connectSql } from '@lockstep/testing/local-postgres';
import { kernelBuild } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

const many = 1_234;
const rules = JSON.stringify(defaultRules);
let plane: TestPlane;

/** Rows as a fleet of years has them; several of each moment. */
async function fill(url: string): Promise<void> {
  const pg = await connectSql(url);
  const of = (text: string) =>
    pg.query(text.replaceAll(':many', String(many)).replaceAll(':kernel', `'${kernelBuild}'`));
  await of(`INSERT INTO kernel_builds (id, release, compiler, config_sha256, added_at)
    SELECT lpad(to_hex(n), 40, '0'), 'r', 'gcc', '', now() - n / 7 * interval '1 s' FROM generate_series(1, :many) n`);
  await of(`INSERT INTO patches (id, name, diff, description, author, cves, submitted_at)
    SELECT lpad(to_hex(n), 64, '0'), 'p' || n, '', '', '', '{}', now() - n / 7 * interval '1 s' FROM generate_series(1, :many) n`);
  await of(`INSERT INTO builds (id, patch_id, kernel_build_id, status, queued_at, ended_at)
    SELECT gen_random_uuid(), lpad(to_hex(n), 64, '0'), lpad(to_hex(n % 3 + 1), 40, '0'),
      (CASE n % 2 WHEN 0 THEN 'failed' ELSE 'cancelled' END)::work_status, now() - n / 7 * interval '1 s', now()
    FROM generate_series(1, :many) n`);
  await of(`INSERT INTO clusters (name) SELECT 'c' || n FROM generate_series(1, :many) n`);
  await of(`INSERT INTO nodes (name, cluster_name, certificate_fingerprint, kernel_build_id)
    SELECT 'n' || n, 'c' || n % 2 + 1, '', CASE n % 3 WHEN 0 THEN :kernel END FROM generate_series(1, :many) n`);
  await of(`INSERT INTO rollouts (id, cluster_name, kernel_build_id, to_seq, rules, status, node_count, nodes_there)
    SELECT gen_random_uuid(), 'c' || n % 2 + 1, lpad('1', 40, '0'), n, '${rules}',
      (CASE n % 5 WHEN 0 THEN 'halted' ELSE 'succeeded' END)::rollout_status, 10, 9
    FROM generate_series(1, :many) n`);
  await of(`INSERT INTO rollout_plans (rollout_id, generation, plan)
    SELECT id, 1, jsonb_build_object('generation', 1, 'parent', NULL, 'toSeq', to_seq, 'status', status, 'openWave', NULL,
      'haltedBy', '[]'::jsonb, 'nodes', '[]'::jsonb, 'moves', '[]'::jsonb, 'caveats', '[]'::jsonb) FROM rollouts`);
  await pg.end();
}

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'live' });
  await fill(plane.endpoint.databaseUrl);
  // Nodes are known from memory, which is read at the start.
  await plane.restart();
});
afterAll(() => plane.stop());

type Lists = readonly [
  what: string,
  expected: number,
  all: (client: OperatorClient, pageSize: number) => Promise<string[]>,
];

const lists: readonly Lists[] = [
  [
    'clusters',
    many + 1,
    ({ fleet }, pageSize) => listAll(fleet.listClusters, { pageSize }, (a) => a.clusters.map(({ name }) => name)),
  ],
  [
    'nodes',
    many,
    ({ fleet }, pageSize) =>
      listAll(fleet.listNodes, { cluster: '', selector: '', pageSize }, (a) => a.nodes.map(({ name }) => name)),
  ],
  [
    'rollouts',
    many,
    ({ fleet }, pageSize) =>
      listAll(fleet.listRollouts, { cluster: '', pageSize }, (a) => a.rollouts.map(({ id }) => id)),
  ],
  [
    'kernels',
    many,
    ({ build }, pageSize) => listAll(build.listKernels, { pageSize }, (a) => a.kernelBuilds.map(({ id }) => id)),
  ],
  [
    'patches',
    many,
    ({ build }, pageSize) => listAll(build.listPatches, { pageSize }, (a) => a.patches.map(({ id }) => id)),
  ],
  [
    'builds',
    many,
    ({ build }, pageSize) => listAll(build.listBuilds, { pageSize }, (a) => a.builds.map(({ id }) => id)),
  ],
];

test.each(lists)('pages of whatever size have each of the %s once, in one order', async (_, expected, all) => {
  const inLargest = await all(plane.operator, 1_000);
  expect([inLargest.length, new Set(inLargest).size]).toEqual([expected, expected]);
  expect(await all(plane.operator, 97)).toEqual(inLargest);
});

test('a list is a page of a hundred unless more is asked for', async () => {
  const { nodes, nextPageToken } = await plane.operator.fleet.listNodes({ cluster: '', selector: '' });
  expect([nodes.length, typeof nextPageToken]).toEqual([100, 'string']);
});

test('only what fits all that is asked for, over all pages', async () => {
  const { fleet, build } = plane.operator;
  const pageSize = 50;
  const nodes = await listAll(
    fleet.listNodes,
    { cluster: 'c1', selector: '', kernelBuildId: kernelBuild, pageSize },
    (a) => a.nodes,
  );
  expect(nodes.length).toBe(Math.floor(many / 6));
  expect(nodes.every((node) => node.cluster === 'c1' && node.kernelBuildId === kernelBuild)).toBe(true);
  const status = RolloutStatus.ROLLOUT_STATUS_HALTED;
  const halted = await listAll(fleet.listRollouts, { cluster: 'c2', status, pageSize }, (a) => a.rollouts);
  expect(halted.map(({ toSeq }) => toSeq)).toEqual(
    Array.from({ length: many }, (__, index) => many - index).filter((n) => n % 10 === 5),
  );
  expect(halted[0]).toMatchObject({ nodeCount: 10, nodesThere: 9, nodes: [] });
  const kernelBuildId = '2'.padStart(40, '0');
  const builds = await listAll(build.listBuilds, { kernelBuildId, pageSize }, (a) => a.builds);
  expect(builds.length).toBe(Math.ceil(many / 3));
  expect((await build.listBuilds({ patch: 'p7' })).builds.map(({ patchName }) => patchName)).toEqual(['p7']);
});

test('a status, and who is connected, are those of now; of a node only what the mask names is told', async () => {
  const agent = (await plane.enrol('live', 'awake')).connect();
  const { fleet } = plane.operator;
  await eventually(async () => {
    const asked = {
      cluster: '',
      selector: '',
      connected: true,
      status: NodeStatus.NODE_STATUS_IN_STEP,
      readMask: 'name,report.status',
    };
    const { nodes } = await fleet.listNodes(asked);
    expect(nodes).toMatchObject([
      { name: 'awake', cluster: '', report: { status: NodeStatus.NODE_STATUS_IN_STEP, headHash: '' } },
    ]);
  });
  agent.client.close();
  await expect(fleet.listNodes({ cluster: '', selector: '', readMask: 'colour' })).rejects.toMatchObject({
    reason: 'unknown-field',
  });
  await expect(fleet.listRollouts({ cluster: '', pageToken: 'x' })).rejects.toMatchObject({
    reason: 'invalid-page-token',
  });
});

test('the command shows all, or so many, or those that are asked for', async () => {
  const run = async (...args: string[]) => {
    const { stdout, stderr } = await runLockstep(plane.config.stateDir, [...args, '--json']);
    expect([args, stderr]).toEqual([args, '']);
    return JSON.parse(stdout) as Record<string, unknown[]>;
  };
  expect((await run('node', 'ls'))['nodes']).toHaveLength(many + 1);
  expect((await run('node', 'ls', '--off', '--cluster', 'c2', '--limit', '3'))['nodes']).toHaveLength(3);
  expect((await run('rollout', 'ls', '--status', 'halted'))['rollouts']).toHaveLength(Math.floor(many / 5));
  expect((await run('build', 'ls', '--status', 'failed'))['builds']).toHaveLength(Math.floor(many / 2));
  expect((await run('patch', 'ls', '--limit', '1001'))['patches']).toHaveLength(1_001);
});
