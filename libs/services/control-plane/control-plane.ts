// SPDX-License-Identifier: GPL-2.0-only
import 'reflect-metadata';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { IdentityProvider, readIdentityProvider } from '@lockstep/io/identity-provider';
import { makeFolder } from '@lockstep/platform/runtime';
import { createServiceLog } from '@lockstep/platform/service-log';
import type { Logger } from 'pino';
import { PeopleSignIn } from './access/people-sign-in';
import type { ControlPlaneConfig } from './config';
import { CampaignExecutor } from './campaigns/campaign-executor';
import { Registry } from '@lockstep/io/monitoring-port';
import {
  controlPlaneModule,
  databaseUrlToken,
  serversToken,
  servicesToken,
  type ModuleParts,
} from './control-plane-module';
import { removeEndpoint, removeStaleEndpoint, writeEndpoint, type Endpoint } from './endpoint-file';
import type { Servers } from './grpc/servers';
import { insistInitialised } from './initialise';
import { startHttpApi, type HttpApi } from './http/http-api';
import { SilenceWatch } from './jobs/silence-watch';
import { openWorkersQueue } from './jobs/workers-queue';
import { openMonitoring } from './monitoring/open-monitoring';
import { PlaneMetrics } from './monitoring/plane-metrics';
import { PlaneReadiness } from './monitoring/plane-readiness';
import type { Services } from './services';
import { Teardown } from './teardown';

export interface ControlPlaneOverrides {
  readonly log?: Logger;
  /** Called when it cannot go on; by default the process ends, so that its supervisor starts it anew. */
  readonly onFatal?: (error: Error) => void;
}

export interface ControlPlane {
  /**
   * Resolves when both ports answer. @throws LockstepError saying what is in the way; then nothing is left running.
   * `cancelled` `stopping` when it was stopped before.
   */
  start(): Promise<Endpoint>;
  /** Also while it starts: what is being opened just then is waited for, and closed again. */
  stop(): Promise<void>;
}

function defaultOnFatal(log: Logger): (error: Error) => void {
  return (err) => {
    log.fatal({ err }, 'cannot go on');
    process.exit(1);
  };
}

async function bringUp(known: Omit<ModuleParts, 'metrics' | 'readiness'>): Promise<Endpoint> {
  const { config, log, teardown, stopping } = known;
  const registry = new Registry();
  const readiness = new PlaneReadiness();
  const parts: ModuleParts = { ...known, metrics: new PlaneMetrics(registry), readiness };
  const monitoring = await openMonitoring({ config, registry, readiness, log });
  if (monitoring !== undefined) teardown.add('monitoring', () => monitoring.close());
  await insistInitialised(config);
  await makeFolder(config.stateDir);
  await makeFolder(config.keysDir);
  await removeStaleEndpoint(config.stateDir);
  // Nest prints and ends the process by itself unless told not to.
  const context = await NestFactory.createApplicationContext(controlPlaneModule(parts), {
    logger: false,
    abortOnError: false,
  });
  teardown.add('module', () => context.close());
  const services = context.get<Services>(servicesToken);
  const servers = context.get<Servers>(serversToken);
  await removeEndpoint(config.stateDir);
  await services.heads.start();
  await services.tokens.start();
  teardown.add('access tokens', () => services.tokens.stop());
  await services.audit.start();
  teardown.add('audit', () => services.audit.stop());
  await services.others?.note();
  await services.nodes.start();
  await services.orders.readAgain();
  teardown.add('nodes', () => services.nodes.stop());
  await services.rollouts.start(performance.now());
  teardown.add('rollouts', () => services.rollouts.stop());
  await services.others?.start();
  teardown.add('other control planes', async () => services.others?.stop());
  await services.work.start();
  teardown.add('work', () => services.work.stop());
  const campaigns = new CampaignExecutor(services);
  await campaigns.start();
  teardown.add('campaigns', () => campaigns.stop());
  await services.deriver.start(Date.now());
  teardown.add('events', () => services.deriver.stop());
  await services.webhooks.start();
  teardown.add('webhooks', () => services.webhooks.stop());
  services.logHeads.start();
  teardown.add('signed heads', () => services.logHeads.stop());
  stopping.throwIfAborted();
  services.evictor.start();
  teardown.add('artifact eviction', () => services.evictor.stop());
  const silence = new SilenceWatch({ ...services, checkEveryMs: config.silenceCheckMs });
  silence.start();
  teardown.add('silence watch', () => silence.stop());
  if (config.shareKernels) {
    services.sharing.start();
    teardown.add('kernel sharing', () => services.sharing.stop());
  }
  monitoring?.watch(services);
  const ports = await servers.start();
  teardown.add('servers', async () => {
    readiness.enter('stopping');
    // Who watches gets the word before its stream ends.
    await nextTurn();
    await servers.stop();
  });
  const http = await openHttpApi(services, ports.operatorPort);
  if (http !== undefined) {
    servers.presentTo(http);
    teardown.add('HTTP API', () => http.stop());
  }
  const databaseUrl = context.get<string>(databaseUrlToken);
  const queueUrl = await openWorkersQueue(config, databaseUrl, log);
  readiness.enter('running');
  const endpoint: Endpoint = {
    operatorAddress: `${config.listenHost}:${ports.operatorPort}`,
    agentAddress: `${config.listenHost}:${ports.agentPort}`,
    httpAddress: http && `${config.listenHost}:${http.port}`,
    monitoringAddress: monitoring?.address,
    databaseUrl,
    queueUrl,
    pid: process.pid,
  };
  await writeEndpoint(config.stateDir, endpoint);
  teardown.add('endpoint', () => removeEndpoint(config.stateDir));
  const { operatorAddress, agentAddress, monitoringAddress } = endpoint;
  log.info(
    { operatorAddress, agentAddress, monitoringAddress, queue: config.redisUrl === undefined ? 'postgres' : 'redis' },
    'ready',
  );
  return endpoint;
}

/** It asks the operator port, which therefore answers already. */
async function openHttpApi(services: Services, operatorPort: number): Promise<HttpApi | undefined> {
  const { config, authority, log } = services;
  const { httpPort: port, listenHost: host } = config;
  if (port === undefined) return undefined;
  const own = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }[host] ?? (host.includes(':') ? `[${host}]` : host);
  const { server: tls, trustedPem: ca } = authority;
  const consoleDir = config.consoleDir ?? path.join(path.dirname(process.argv[1] ?? ''), 'console');
  const people = await openPeopleSignIn(services);
  return startHttpApi({ host, port, tls, ca, operatorAddress: `${own}:${operatorPort}`, consoleDir, people, log });
}

async function openPeopleSignIn(services: Services): Promise<PeopleSignIn | undefined> {
  const { config, log } = services;
  if (config.oidcFile === undefined) return undefined;
  const provider = new IdentityProvider(await readIdentityProvider(config.oidcFile), (err, what) => {
    log.warn({ err }, what);
  });
  return new PeopleSignIn(services, provider);
}

export function createControlPlane(config: ControlPlaneConfig, overrides: ControlPlaneOverrides = {}): ControlPlane {
  const log = overrides.log ?? createServiceLog('control-plane');
  const teardown = new Teardown(log);
  const onFatal = overrides.onFatal ?? defaultOnFatal(log);
  const stopping = new AbortController();
  let starting: Promise<unknown> = Promise.resolve();
  const start = async (): Promise<Endpoint> => {
    try {
      const endpoint = await bringUp({ config, log, teardown, onFatal, stopping: stopping.signal });
      teardown.markComplete();
      return endpoint;
    } catch (error) {
      await teardown.run();
      throw error;
    }
  };
  return {
    start() {
      const started = start();
      starting = started.catch(() => undefined);
      return started;
    },
    async stop() {
      stopping.abort(new LockstepError('cancelled', 'stopping', 'It was stopped while it started.'));
      await starting;
      await teardown.run();
    },
  };
}
