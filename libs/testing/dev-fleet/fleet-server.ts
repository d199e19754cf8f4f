// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { defaultCacheDirectory } from '@lockstep/io/kernel-builder';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { freePort } from '@lockstep/testing/local-servers';
import { hostAddressInGuest } from '@lockstep/testing/qemu-machine';
import { z } from 'zod';
import { eventually } from './eventually';
import { bundle } from './fleet-kernel';
import { fleetProcess, type FleetProcess } from './fleet-process';

/** The control plane of a fleet, its own database included. */
export interface FleetServer {
  readonly process: FleetProcess;
  readonly stateDir: string;
  /** host:port of the operator port. */
  readonly address: string;
  readonly agentAddress: string;
  /** Starts it (again); resolves when it answers. */
  start(): Promise<void>;
  /** Ends it and its database, which outlives a control plane that was killed. */
  stop(): Promise<void>;
  /** Where its workers take jobs. */
  queueUrl(): string;
  connect(): OperatorClient;
}

const readyWithinMs = 300_000;

const endpointForm = z.object({ queueUrl: z.string(), pid: z.number() });

export async function createFleetServer(
  folder: string,
  redisUrl: string | undefined,
  shareKernels = false,
  env: Readonly<Record<string, string>> = {},
): Promise<FleetServer> {
  const stateDir = path.join(folder, 'control-plane');
  const operatorPort = await freePort();
  const agentPort = await freePort();
  const address = `127.0.0.1:${operatorPort}`;
  const process = fleetProcess({
    name: 'control-plane',
    command: globalThis.process.execPath,
    args: [bundle('control-plane')],
    env: {
      LOCKSTEP_STATE_DIR: stateDir,
      LOCKSTEP_AUTO_INIT: 'on',
      LOCKSTEP_OPERATOR_PORT: String(operatorPort),
      LOCKSTEP_AGENT_PORT: String(agentPort),
      LOCKSTEP_POSTGRES_PORT: String(await freePort()),
      LOCKSTEP_MONITORING_LISTEN: 'off',
      // The fleet's workers have one cache, and packing a kernel build takes a processor for half a minute.
      LOCKSTEP_SHARE_KERNELS: shareKernels ? 'on' : 'off',
      // A node may be a virtual machine.
      LOCKSTEP_TLS_NAMES: hostAddressInGuest,
      ...(redisUrl === undefined ? {} : { LOCKSTEP_REDIS_URL: redisUrl }),
      ...env,
    },
    logFile: path.join(folder, 'control-plane.log'),
  });
  const endpoint = (): z.infer<typeof endpointForm> =>
    endpointForm.parse(JSON.parse(readFileSync(path.join(stateDir, 'endpoint.json'), 'utf8')));
  // Each life says with its own pid that it is ready.
  const isReady = (): true | undefined => (endpoint().pid === process.pid() ? true : undefined);
  const ready = (): Promise<true> =>
    eventually(
      'the control plane is ready',
      () => (process.isRunning() ? isReady() : (process.assertRunning(), undefined)),
      { withinMs: readyWithinMs },
    );
  const start = async (): Promise<void> => {
    process.start();
    await ready();
  };
  return {
    ...{ process, stateDir, address, agentAddress: `127.0.0.1:${agentPort}`, start },
    async stop() {
      if (!process.isRunning()) process.start();
      await ready().catch(() => undefined);
      await process.stop();
    },
    queueUrl: () => endpoint().queueUrl,
    connect: () =>
      connectOperator({
        address,
        ca: readFileSync(path.join(stateDir, 'pki/ca.crt')),
        token: readFileSync(path.join(stateDir, 'operator.token'), 'utf8'),
      }),
  };
}

/** A build worker beside the control plane, not started. */
export function createFleetWorker(
  folder: string,
  server: FleetServer,
  redisUrl: string | undefined,
  lockMs: number | undefined,
  name = 'build-worker',
  env: Readonly<Record<string, string>> = {},
): FleetProcess {
  return fleetProcess({
    name,
    command: process.execPath,
    args: [bundle('build-worker')],
    env: {
      ...(redisUrl === undefined ? { LOCKSTEP_QUEUE_URL: server.queueUrl() } : { LOCKSTEP_REDIS_URL: redisUrl }),
      LOCKSTEP_ARTIFACT_DIR: path.join(server.stateDir, 'artifacts'),
      LOCKSTEP_CACHE_DIR: defaultCacheDirectory(),
      ...(lockMs === undefined ? {} : { LOCKSTEP_WORKER_LOCK_MS: String(lockMs) }),
      ...env,
    },
    logFile: path.join(folder, `${name}.log`),
  });
}
