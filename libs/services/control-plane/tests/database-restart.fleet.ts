// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { EmbeddedPostgres } from '@lockstep/io/database';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

let folder: TemporaryFolder;
let port: number;
let postgres: EmbeddedPostgres;
let plane: TestPlane;

beforeAll(async () => {
  folder = await temporaryFolder('restart');
  port = await freePort();
  postgres = await startPostgres(folder.path, port);
  plane = await TestPlane.start({ LOCKSTEP_DATABASE_URL: postgres.url });
});
afterAll(async () => {
  await plane.stop();
  await postgres.stop();
  await folder.remove();
});

const connectedAt = async (position: number): Promise<void> => {
  const { node } = await plane.operator.fleet.getNode({ name: 'n1' });
  expect(node).toMatchObject({ connected: true, report: { problem: { message: `at ${position}` } } });
};
const say = (agent: TestAgent, position: number): void => {
  // For good: whatever it is told it answers with a report.
  agent.problem = { reason: 'test', message: `at ${position}` };
  agent.report();
};

test('a database that restarts ends no stream: what is asked meanwhile is told so, and what nodes said is kept after it', async () => {
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  const agent = (await plane.enrol('web', 'n1')).connect();
  let hasEnded = false;
  const noteEnd = (): void => {
    hasEnded = true;
  };
  agent.ended.then(noteEnd, noteEnd);
  say(agent, 1);
  await eventually(() => connectedAt(1));
  await postgres.stop();
  say(agent, 2);
  // What nodes say is known without it.
  await eventually(() => connectedAt(2));
  const asked = plane.operator.fleet.listClusters({}, { deadlineMs: 2_000 });
  await expect(asked).rejects.toMatchObject({ kind: 'unavailable' });
  await sleep(4_000);
  postgres = await startPostgres(folder.path, port);
  await eventually(async () => {
    say(agent, 3);
    await connectedAt(3);
  }, 40_000);
  expect([hasEnded, plane.fatal]).toEqual([false, []]);
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'later' });
});
