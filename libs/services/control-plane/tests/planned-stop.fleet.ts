// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { RolloutStatus, type Rollout } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import { readWhole } from '@lockstep/io/artifact-store';
import { parseAddress } from '@lockstep/io/rpc-client';
import type { TestAgent } from './test-agent';
import { collect, eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

let plane: TestPlane;
let agent: TestAgent;

/** Larger than what the sockets between hold: a download of it is under way for as long as its reader likes. */
const large = Buffer.alloc(16 * 1024 * 1024, 'module');

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(async (job, context) => {
    const result = await plane.honestWorker(job, context);
    if (result.kind !== 'build') return result;
    const module = Buffer.concat([await readWhole(plane.artifacts, result.artifact.sha256), large]);
    return { ...result, artifact: { ...result.artifact, ...(await plane.artifacts.put(module)) } };
  });
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: 'web' });
  await plane.build('fix-a', 'a');
  await plane.append('web', 'fix-a');
  agent = await plane.enrol('web', 'n1');
  agent.obedient = false;
  agent.connect();
  await eventually(async () => {
    expect((await plane.operator.fleet.getNode({ name: 'n1' })).node?.report).toBeDefined();
  });
});
afterAll(() => plane.stop());

test('a watch goes on over a planned restart, and a download under way is told to come again', async () => {
  const request = {
    cluster: 'web',
    kernelBuildId: '',
    toSeq: 0,
    canaries: 1,
    waveSize: 0,
    rules: undefined,
    planHash: '',
  };
  const { rollout } = await plane.operator.fleet.startRollout(request);
  const seen: Rollout[] = [];
  const watching = (async () => {
    for await (const { rollout: now } of plane.operator.fleet.watchRollout({ id: rollout!.id })) seen.push(now!);
  })();
  // Should this test fail before it waits for it, the next one must not be told of it.
  watching.catch(() => undefined);
  await eventually(() => {
    expect([seen.length > 0, agent.target]).toEqual([true, 1]);
  });
  const { entries } = await plane.operator.fleet.getOrder({ cluster: 'web', kernelBuildId: '' });
  const body = entries[0]!.body;
  const sha256 = parseSha256(body?.$case === 'load' ? body.value.artifact!.sha256 : '');
  const download = agent.client.downloadArtifact(sha256, 0)[Symbol.asyncIterator]();
  await download.next();

  await plane.restart();

  expect(await agent.ended).toMatchObject({ kind: 'unavailable', reason: 'stopping' });
  // Why it ended comes behind what was under way: a reader that has not read all of that may not get to it.
  const toldOrCut = expect.stringMatching(/^(?:stopping|ended-by-server)$/) as unknown;
  const rest = collect({ [Symbol.asyncIterator]: () => download });
  await expect(rest).rejects.toMatchObject({ kind: 'unavailable', reason: toldOrCut });
  agent.obey();
  agent.connect();
  await watching;
  expect(seen.at(-1)?.status).toBe(RolloutStatus.ROLLOUT_STATUS_SUCCEEDED);
  expect((await collect(agent.client.downloadArtifact(sha256, 0))).subarray(-large.length).equals(large)).toBe(true);
});

test('a socket that never says hello does not keep it from stopping', async () => {
  const sockets = await Promise.all(
    [plane.endpoint.agentAddress, plane.endpoint.operatorAddress].map(async (address): Promise<Socket> => {
      const socket = connect(parseAddress(address).port, '127.0.0.1');
      await once(socket, 'connect');
      return socket;
    }),
  );
  const startedAt = performance.now();
  await plane.restart();
  expect(performance.now() - startedAt).toBeLessThan(60_000);
  for (const socket of sockets) socket.destroy();
});
