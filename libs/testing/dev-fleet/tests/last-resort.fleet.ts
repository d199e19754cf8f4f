// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { startRedis, type RedisServer } from '@lockstep/testing/local-servers';
import { eventually } from '../eventually';
import { buildBundles, bundle } from '../fleet-kernel';
import { fleetProcess, type FleetProcess } from '../fleet-process';
import { createFleetServer, createFleetWorker, type FleetServer } from '../fleet-server';

jest.setTimeout(240_000);

/** What nobody foresees, on demand: a promise that fails and that nobody waits for, and an exception out of a timer. */
const planted = `
process.on('SIGUSR2', () => { Promise.reject(new Error('planted rejection')); });
process.on('SIGWINCH', () => { setTimeout(() => { throw new Error('planted exception'); }); });
`;

const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-last-resort-'));
const plant = { NODE_OPTIONS: `--require ${path.join(folder, 'plant.cjs')}` };
const processes = new Map<string, FleetProcess>();
let redis: RedisServer;
let server: FleetServer;

beforeAll(async () => {
  writeFileSync(path.join(folder, 'plant.cjs'), planted);
  buildBundles();
  redis = await startRedis(folder);
  server = await createFleetServer(folder, redis.url, false, plant);
  await server.start();
  const worker = createFleetWorker(folder, server, redis.url, undefined, 'build-worker', plant);
  const kernelFolder = path.join(folder, 'kernel');
  await DirectoryKernel.create(kernelFolder, { kernelBuild: parseKernelBuildId('ab'.repeat(20)), release: '6.1' });
  const operator = server.connect();
  const node = { cluster: 'dev', node: 'n1', ttlSeconds: 0, allow: '', count: 0 };
  await operator.fleet.createCluster({ name: node.cluster, ...switchingToWire({}) });
  const { joinToken } = await operator.fleet.createJoinToken(node);
  operator.close();
  const agent = fleetProcess({
    name: 'node-agent',
    command: process.execPath,
    args: [bundle('fleet-agent')],
    env: {
      ...plant,
      LOCKSTEP_AGENT_SERVER: server.address,
      LOCKSTEP_AGENT_JOIN_TOKEN: joinToken,
      LOCKSTEP_AGENT_STATE_DIR: path.join(folder, 'agent'),
      LOCKSTEP_FLEET_KERNEL: kernelFolder,
    },
    logFile: path.join(folder, 'node-agent.log'),
  });
  worker.start();
  agent.start();
  await logHas(agent, 'agent started');
  for (const each of [server.process, worker, agent]) processes.set(each.name, each);
});

afterAll(async () => {
  for (const name of ['node-agent', 'build-worker']) await processes.get(name)?.stop();
  await server.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const logHas = (one: FleetProcess, text: string): Promise<true> =>
  eventually(
    `${one.name} logs "${text}"`,
    () => (readFileSync(one.logFile, 'utf8').includes(text) ? true : undefined),
    {
      withinMs: 100_000,
    },
  );

test.each(['control-plane', 'build-worker', 'node-agent'])(
  '%s logs a promise that nobody waited for with its stack and goes on; an exception ends it',
  async (name) => {
    const one = processes.get(name)!;
    await eventually('it is up', () => (readFileSync(one.logFile, 'utf8').length > 0 ? true : undefined), {
      withinMs: 60_000,
    });
    process.kill(one.pid()!, 'SIGUSR2');
    await logHas(one, 'planted rejection');
    expect(readFileSync(one.logFile, 'utf8')).toMatch(/Error: planted rejection\\n +at .*plant\.cjs/);
    one.assertRunning();
    process.kill(one.pid()!, 'SIGWINCH');
    await logHas(one, 'planted exception');
    await eventually('it has ended', () => (one.isRunning() ? undefined : true), { withinMs: 100_000 });
    expect(readFileSync(one.logFile, 'utf8')).toMatch(/an error that nobody caught, the process ends/);
  },
);
