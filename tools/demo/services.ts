// SPDX-License-Identifier: GPL-2.0-only
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { defaultCacheDirectory } from '@lockstep/io/kernel-builder';
import { freePort } from '@lockstep/testing/local-servers';
import { hostAddressInGuest } from '@lockstep/testing/qemu-machine';
import { z } from 'zod';
import { startService, type Cleanup, type Service } from './processes';

const readyWithinMs = 60_000;

const endpointSchema = z.object({
  ...{ operatorAddress: z.string(), agentAddress: z.string(), httpAddress: z.string(), queueUrl: z.string() },
});

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

const endpointFile = (stateDir: string): string => path.join(stateDir, 'endpoint.json');

/** Where the control plane that runs in this folder is reached. */
export const readEndpoint = async (stateDir: string): Promise<z.infer<typeof endpointSchema>> =>
  endpointSchema.parse(JSON.parse(await readFile(endpointFile(stateDir), 'utf8')));

/** The control plane and one build worker, as real processes, ready to be asked. @param env more of the control plane's settings */
export async function startServices(
  root: string,
  workDir: string,
  cleanup: Cleanup,
  env: Readonly<Record<string, string>> = {},
): Promise<ControlPlane> {
  const operatorPort = await freePort();
  const agentPort = await freePort();
  const postgresPort = await freePort();
  const httpPort = await freePort();
  const stateDir = path.join(workDir, 'control-plane');
  const artifactDir = path.join(stateDir, 'artifacts');
  const bundle = (name: string): string => path.join(root, 'dist', `${name}.js`);
  const controlPlane = startService(
    'control-plane',
    bundle('control-plane'),
    {
      LOCKSTEP_STATE_DIR: stateDir,
      LOCKSTEP_AUTO_INIT: 'on',
      LOCKSTEP_OPERATOR_PORT: String(operatorPort),
      LOCKSTEP_AGENT_PORT: String(agentPort),
      LOCKSTEP_POSTGRES_PORT: String(postgresPort),
      LOCKSTEP_HTTP_PORT: String(httpPort),
      LOCKSTEP_MONITORING_LISTEN: 'off',
      LOCKSTEP_ARTIFACT_DIR: artifactDir,
      LOCKSTEP_TLS_NAMES: hostAddressInGuest,
      ...env,
    },
    workDir,
  );
  cleanup.add(() => controlPlane.stop());
  await waitForFile(endpointFile(stateDir), controlPlane);
  const { queueUrl } = await readEndpoint(stateDir);
  const worker = startService(
    'build-worker',
    bundle('build-worker'),
    {
      LOCKSTEP_QUEUE_URL: queueUrl,
      LOCKSTEP_ARTIFACT_DIR: artifactDir,
      LOCKSTEP_CACHE_DIR: defaultCacheDirectory(),
    },
    workDir,
  );
  cleanup.add(() => worker.stop());
  return { stateDir, artifactDir, operatorPort, agentPort, services: [controlPlane, worker] };
}
