// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { openShakyLink, type ShakyLink } from '@lockstep/testing/local-servers';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(300_000);

// The control plane is killed after it has done what was asked for, and before it could say so. A client that goes on
// asking until it is there again is told what came of the first time.

let plane: TestPlane;
let link: ShakyLink;
let client: OperatorClient;
const cluster = 'killed';
const log = { cluster, kernelBuildId: '' };
const patience = { deadlineMs: 200_000 };

beforeAll(async () => {
  plane = await TestPlane.startProcess();
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.build('fix', 'a');
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
  link = await openShakyLink(plane.endpoint.operatorAddress);
  client = connectOperator({
    address: link.address,
    ca: plane.ca,
    token: readFileSync(path.join(plane.config.stateDir, 'operator.token'), 'utf8'),
  });
});
afterAll(async () => {
  client.close();
  await link.close();
  await plane.stop();
});

const entries = async () => (await plane.operator.fleet.getOrder(log)).entries;

/** The call's answer, over a control plane that is killed as soon as `isDone`. */
async function overKill<T>(call: () => Promise<T>, isDone: () => Promise<boolean>): Promise<T> {
  link.delayAnswersMs = 1_000;
  const answer = call();
  await eventually(async () => {
    expect(await isDone()).toBe(true);
  });
  await plane.kill();
  link.delayAnswersMs = 0;
  await plane.up();
  return answer;
}

test('an entry is appended once', async () => {
  const request = {
    ...log,
    ...switchingToWire({}),
    patch: 'fix',
    overrides: [],
    expectedSeq: 0,
    mayInterrupt: false,
    buildId: '',
  };
  const { entry } = await overKill(
    () => client.fleet.appendLoad(request, patience),
    async () => (await entries()).length === 1,
  );
  const [first, ...others] = await entries();
  expect(entry).toEqual(first);
  expect(others).toEqual([]);
});

test('a rollout is started once', async () => {
  const agent = (await plane.enrol(cluster, 'k1')).connect();
  await eventually(() => {
    expect(agent.headSeq).toBe(1);
  });
  const rollouts = async () => (await plane.operator.fleet.listRollouts({ cluster })).rollouts;
  const { rollout } = await overKill(
    () =>
      client.fleet.startRollout(
        { ...log, toSeq: 0, canaries: 0, waveSize: 0, rules: undefined, planHash: '' },
        patience,
      ),
    async () => (await rollouts()).length === 1,
  );
  expect((await rollouts()).map(({ id }) => id)).toEqual([rollout?.id]);
});
