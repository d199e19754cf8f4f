// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
// eslint-disable-next-line no-restricted-imports -- it takes rows away between two statements, which no interface does
import { Client } from 'pg';
import { SubmitPatchRequest } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol } from '@lockstep/io/rpc-client';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

// A row is there when a call looks at it, and gone, or another's, when the call writes. Somebody else's transaction has
// taken it but not committed: so the call sees it still, and waits as soon as it writes; then the other one commits.

let plane: TestPlane;
let rival: Client;
let watcher: Client;

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.build('fix', 'a');
  const connect = async (): Promise<Client> => {
    const client = new Client({ connectionString: plane.endpoint.databaseUrl });
    await client.connect();
    return client;
  };
  rival = await connect();
  watcher = await connect();
});
afterAll(async () => {
  await rival.end();
  await watcher.end();
  await plane.stop();
});

/** Does `statement` while `call` is between two of its own, if it has two that can be parted. */
async function between(statement: string, call: () => Promise<unknown>): Promise<unknown> {
  await rival.query('BEGIN');
  await rival.query(statement);
  const answered: unknown[] = [];
  const noted = call()
    .then(
      () => 'done',
      (error: unknown) => error,
    )
    .then((outcome) => answered.push(outcome));
  const isWaiting = async (): Promise<boolean> => {
    const { rows } = await watcher.query(
      `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
    );
    return rows.length > 0;
  };
  const deadline = performance.now() + 60_000;
  while (answered.length === 0 && !(await isWaiting()) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const waited = answered.length === 0;
  await rival.query('COMMIT');
  await noted;
  // The race was run: else the table below has a row that tests nothing.
  expect(waited).toBe(true);
  return answered[0];
}

const fleet = () => plane.operator.fleet;
const makeCluster = async (cluster: string) => {
  await fleet().createCluster({ ...switchingToWire({}), name: cluster });
};
const insertCluster = (cluster: string) => `INSERT INTO clusters (name) VALUES ('${cluster}')`;
const deleteCluster = (cluster: string) => `DELETE FROM clusters WHERE name = '${cluster}'`;
const settings = { consistency: undefined, transitionTimeoutMs: undefined, stableMs: undefined };
const submission = (name: string, diff: string) => SubmitPatchRequest.fromPartial({ name, diff: Buffer.from(diff) });

interface Race {
  readonly prepare: (name: string) => Promise<{ readonly call: () => Promise<unknown>; readonly statement: string }>;
  /** The answer's kind and reason; or that it was done. */
  readonly answer: 'done' | { readonly kind: string; readonly reason: string };
}

const inCluster =
  (call: (cluster: string) => Promise<unknown>): Race['prepare'] =>
  async (cluster) => {
    await makeCluster(cluster);
    return { call: () => call(cluster), statement: deleteCluster(cluster) };
  };

const unknownCluster = { kind: 'not-found', reason: 'unknown-cluster' };

const races: Readonly<Record<string, Race>> = {
  'a node connects while it is removed': {
    prepare: async (name) => {
      await makeCluster(name);
      const agent = await plane.enrol(name, name);
      return {
        statement: `DELETE FROM nodes WHERE name = '${name}'`,
        call: () => agent.connect().ended.then((error) => Promise.reject(error as Error)),
      };
    },
    answer: { kind: 'forbidden', reason: 'node-removed' },
  },
  'a node connects while another machine takes its name': {
    prepare: async (name) => {
      await makeCluster(name);
      const agent = await plane.enrol(name, name);
      return {
        statement: `UPDATE nodes SET certificate_fingerprint = 'of another machine' WHERE name = '${name}'`,
        call: () => agent.connect().ended.then((error) => Promise.reject(error as Error)),
      };
    },
    answer: { kind: 'forbidden', reason: 'node-removed' },
  },
  'a node is removed twice': {
    prepare: async (name) => {
      await makeCluster(name);
      await plane.enrol(name, name);
      return { call: () => fleet().removeNode({ name }), statement: `DELETE FROM nodes WHERE name = '${name}'` };
    },
    answer: { kind: 'not-found', reason: 'unknown-node' },
  },
  'a cluster is made twice': {
    prepare: async (name) => ({ call: () => makeCluster(name), statement: insertCluster(name) }),
    answer: { kind: 'already-exists', reason: 'cluster-exists' },
  },
  'a cluster is set that goes': {
    prepare: inCluster((name) => fleet().updateCluster({ ...settings, name, removeSilentAfterDays: 3 })),
    answer: unknownCluster,
  },
  'a node is to join a cluster that goes': {
    prepare: inCluster((cluster) =>
      fleet().createJoinToken({ cluster, node: cluster, ttlSeconds: 0, allow: '', count: 0 }),
    ),
    answer: unknownCluster,
  },
  'an entry is appended to a cluster that goes': {
    prepare: inCluster((cluster) => plane.append(cluster, 'fix')),
    answer: unknownCluster,
  },
  'a join token is used while it is taken back': {
    prepare: async (name) => {
      await makeCluster(name);
      const joinToken = await plane.joinToken(name, name);
      const { requestPem } = await createCertificateRequest();
      return {
        statement: `DELETE FROM join_tokens WHERE node_name = '${name}'`,
        call: () => enrol({ address: plane.endpoint.operatorAddress, joinToken, certificateRequest: requestPem }),
      };
    },
    answer: { kind: 'unauthenticated', reason: 'join-token-refused' },
  },
  'two patches are submitted under one name': {
    prepare: async (name) => ({
      call: () => plane.operator.build.submitPatch(submission(name, 'fn_mine')),
      statement: `INSERT INTO patches (id, name, diff, description, author, cves)
        VALUES (repeat('e', 64), '${name}', 'x', '', '', '{}')`,
    }),
    answer: { kind: 'already-exists', reason: 'patch-name-taken' },
  },
  'a rollout is started while another one of the same load order is': {
    prepare: async (name) => {
      await makeCluster(name);
      await plane.append(name, 'fix');
      // It takes nothing, so that the rollout goes on.
      const agent = await plane.enrol(name, name);
      agent.obedient = false;
      agent.connect();
      await eventually(() => {
        expect(agent.headSeq).toBe(1);
      });
      const start = () =>
        fleet().startRollout({
          cluster: name,
          kernelBuildId: '',
          toSeq: 0,
          canaries: 0,
          waveSize: 0,
          rules: undefined,
          planHash: '',
          supersede: true,
        });
      await start();
      const statement = `UPDATE rollouts SET status = 'superseded', ended_at = now() WHERE cluster_name = '${name}'`;
      return { call: start, statement };
    },
    answer: 'done',
  },
};

test.each(Object.keys(races))('%s', async (what) => {
  const { prepare, answer } = races[what]!;
  const { call, statement } = await prepare(`race-${Object.keys(races).indexOf(what)}`);
  const outcome = await between(statement, call);
  if (answer === 'done') expect(outcome).toBe('done');
  else expect(outcome).toMatchObject(answer);
});
