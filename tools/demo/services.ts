// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { defaultCacheDirectory } from '@lockstep/io/kernel-builder';
import { hostAddressInGuest } from '@lockstep/testing/qemu-machine';
import { z } from 'zod';
import { startService, type Cleanup, type Service } from './processes';

const readyWithinMs = 60_000;
/** Below the ephemeral range, so that no outgoing connection takes one between the look and the use. */
const firstPort = 17_000;
const lastPort = 32_767;

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () =>
      server.close(() => {
        resolve(true);
      }),
    );
  });
}

async function freePorts(count: number): Promise<number[]> {
  const found: number[] = [];
  const start = firstPort + (process.pid % 10_000);
  for (let port = start; found.length < count && port <= lastPort; port += 1) if (await isFree(port)) found.push(port);
  return found;
}

const endpointSchema = z.object({ operatorAddress: z.string(), agentAddress: z.string(), databaseUrl: z.string() });

export interface ControlPlane {
  readonly stateDir: string;
  readonly artifactDir: string;
  readonly operatorPort: number;
  readonly agentPort: number;
  readonly services: readonly Service[];
}

async function waitForFile(file: string, service: Service): Promise<void> {
  const deadline = performance.now() + readyWithinMs;
  while (!existsSync(file)) {
    service.assertRunning();
    if (performance.now() > deadline)
      throw new Error(`${service.name} is not ready after ${readyWithinMs} ms: see ${service.logFile}.`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The control plane and one build worker, as real processes, ready to be asked. */
export async function startServices(root: string, workDir: string, cleanup: Cleanup): Promise<ControlPlane> {
  const [operatorPort = 0, agentPort = 0, postgresPort = 0] = await freePorts(3);
  const stateDir = path.join(workDir, 'control-plane');
  const artifactDir = path.join(stateDir, 'artifacts');
  const bundle = (name: string): string => path.join(root, 'dist', `${name}.js`);
  const controlPlane = startService(
    'control-plane',
    bundle('control-plane'),
    {
      LOCKSTEP_STATE_DIR: stateDir,
      LOCKSTEP_OPERATOR_PORT: String(operatorPort),
      LOCKSTEP_AGENT_PORT: String(agentPort),
      LOCKSTEP_POSTGRES_PORT: String(postgresPort),
      LOCKSTEP_ARTIFACT_DIR: artifactDir,
      LOCKSTEP_TLS_NAMES: hostAddressInGuest,
    },
    workDir,
  );
  cleanup.add(() => controlPlane.stop());
  const endpointFile = path.join(stateDir, 'endpoint.json');
  await waitForFile(endpointFile, controlPlane);
  const { databaseUrl } = endpointSchema.parse(JSON.parse(await readFile(endpointFile, 'utf8')));
  const worker = startService(
    'build-worker',
    bundle('build-worker'),
    {
      LOCKSTEP_DATABASE_URL: databaseUrl,
      LOCKSTEP_ARTIFACT_DIR: artifactDir,
      LOCKSTEP_CACHE_DIR: defaultCacheDirectory(),
    },
    workDir,
  );
  cleanup.add(() => worker.stop());
  return { stateDir, artifactDir, operatorPort, agentPort, services: [controlPlane, worker] };
}
