// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readControlPlaneConfig } from './config';

test('nothing written means the defaults: this machine only, its own PostgreSQL', () => {
  expect(readControlPlaneConfig({ LOCKSTEP_REDIS_URL: '' })).toEqual({
    stateDir: '/var/lib/lockstep',
    prometheusUrl: undefined,
    gateEveryMs: 15_000,
    artifactDir: '/var/lib/lockstep/artifacts',
    artifacts: { kind: 'folder', dir: '/var/lib/lockstep/artifacts', maxArtifactBytes: undefined },
    storeMaxBytes: 68_719_476_736,
    storeCheckMs: 600_000,
    silenceCheckMs: 3_600_000,
    shareKernels: true,
    webhooksMayBeLocal: false,
    webhookFirstRetryMs: 5000,
    listenHost: '127.0.0.1',
    operatorPort: 7443,
    httpPort: undefined,
    consoleDir: undefined,
    oidcFile: undefined,
    returnGraceMs: 30_000,
    monitoringListen: { host: '127.0.0.1', port: 7445 },
    agentPort: 7444,
    nodeRates: { reports: { perSecond: 5, burst: 50 }, calls: { perSecond: 5, burst: 200 } },
    agentAddress: undefined,
    tlsNames: [],
    isOneOfSeveral: false,
    initialises: false,
    keysDir: '/var/lib/lockstep',
    databaseUrl: undefined,
    postgresPort: 17432,
    redisUrl: undefined,
  });
});

test('what is written counts', () => {
  const config = readControlPlaneConfig({
    LOCKSTEP_STATE_DIR: '/state',
    LOCKSTEP_ARTIFACT_DIR: '/artifacts',
    LOCKSTEP_TLS_NAMES: 'plane.example, 10.0.2.2,',
    LOCKSTEP_DATABASE_URL: 'postgresql://a:b@c/d',
    LOCKSTEP_REDIS_URL: 'rediss://c',
    LOCKSTEP_AGENT_PORT: '8444',
    LOCKSTEP_AGENT_ADDRESS: 'plane.example:443',
  });
  expect(config).toMatchObject({
    artifactDir: '/artifacts',
    tlsNames: ['plane.example', '10.0.2.2'],
    databaseUrl: 'postgresql://a:b@c/d',
    redisUrl: 'rediss://c',
    agentPort: 8444,
    agentAddress: 'plane.example:443',
  });
});

test('every variable that is wrong is named', () => {
  const written = {
    LOCKSTEP_OPERATOR_PORT: '70000',
    LOCKSTEP_DATABASE_URL: 'mysql://x',
    LOCKSTEP_AGENT_ADDRESS: 'plane',
  };
  expect(() => readControlPlaneConfig(written)).toThrow(
    /LOCKSTEP_OPERATOR_PORT.*LOCKSTEP_AGENT_ADDRESS.*LOCKSTEP_DATABASE_URL/,
  );
});
