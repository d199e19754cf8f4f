// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { NodeStatus, RolloutStatus, StartRolloutRequest, type RolloutRules } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import type { EmbeddedPostgres } from '@lockstep/io/database';
import { startPostgres } from '@lockstep/testing/local-postgres';
import {
  freePort,
  openShakyLink,
  temporaryFolder,
  type ShakyLink,
  type TemporaryFolder,
} from '@lockstep/testing/local-servers';
import { rulesFile, selectorsOf, writtenQueries } from './monitoring-files';
import { PrometheusServer } from './prometheus-server';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

let folder: TemporaryFolder;
let postgres: EmbeddedPostgres;
let link: ShakyLink;
let plane: TestPlane;
let prometheus: PrometheusServer;
let agents: TestAgent[];
let heartbeats: NodeJS.Timeout;
/** It speaks as agents do, every few seconds. */
let speaks = true;

beforeAll(async () => {
  folder = await temporaryFolder('alerts');
  postgres = await startPostgres(folder.path);
  const url = new URL(postgres.url);
  link = await openShakyLink(url.host);
  url.host = link.address;
  prometheus = await PrometheusServer.start(folder.path, rulesFile);
  plane = await TestPlane.start({
    ...{ LOCKSTEP_PROMETHEUS_URL: prometheus.url, LOCKSTEP_GATE_SECONDS: '1' },
    LOCKSTEP_MONITORING_LISTEN: `127.0.0.1:${await freePort()}`,
    LOCKSTEP_DATABASE_URL: url.href,
  });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ name: 'web', ...switchingToWire({}) });
  agents = [await plane.enrol('web', 'n1'), await plane.enrol('web', 'n2')];
  for (const agent of agents) Object.assign(agent, { showsStack: true }).connect();
  heartbeats = setInterval(() => {
    if (speaks) for (const agent of agents) agent.report();
  }, 3_000);
  for (const name of ['a', 'b', 'c']) await plane.build(name, name);
  await plane.append('web', 'a');
  await prometheus.scrape(plane.endpoint.monitoringAddress ?? '');
  await eventually(async () => {
    expect(await prometheus.query('lockstep_agent_streams')).toEqual(['2']);
  });
});
afterAll(async () => {
  clearInterval(heartbeats);
  await prometheus.stop();
  await plane.stop();
  await link.close();
  await postgres.stop();
  await folder.remove();
});

const byHand = { enabled: true, transition: false, functions: [], artifactSha256: '' };

const fired = new Set<string>();

async function fires(alert: string, labels: Readonly<Record<string, string>> = {}, withinMs = 60_000): Promise<void> {
  await eventually(async () => {
    expect(await prometheus.firing()).toContainEqual(expect.objectContaining({ alertname: alert, ...labels }));
  }, withinMs);
  fired.add(alert);
}

async function clears(alert: string): Promise<void> {
  await eventually(async () => {
    expect((await prometheus.firing()).map(({ alertname }) => alertname)).not.toContain(alert);
  }, 60_000);
}

async function rollOut(rules: Partial<RolloutRules> = {}): Promise<string> {
  const asked = StartRolloutRequest.fromPartial({ cluster: 'web', supersede: true, rules });
  return (await plane.operator.fleet.startRollout(asked)).rollout?.id ?? '';
}

test('promtool takes the rules', () => {
  expect(execFileSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })).toContain('SUCCESS');
});

test('in peace none fires', async () => {
  await sleep(5_000);
  expect(await prometheus.firing()).toEqual([]);
});

describe('what nodes say', () => {
  test.each([
    ['LockstepNodesQuarantined', NodeStatus.NODE_STATUS_QUARANTINED, {}],
    ['LockstepNodesHeldOut', NodeStatus.NODE_STATUS_DIVERGED, { status: 'diverged' }],
    ['LockstepNodesFailing', NodeStatus.NODE_STATUS_FAILED, {}],
  ])('%s', async (alert, status, labels) => {
    agents[0]!.status = status;
    agents[0]!.report();
    await fires(alert, { cluster: 'web', ...labels });
    agents[0]!.status = NodeStatus.NODE_STATUS_IN_STEP;
    agents[0]!.report();
    await clears(alert);
  });

  test('LockstepNodesDrifted', async () => {
    agents[0]!.foreign = [{ ...byHand, moduleName: 'by_hand' }];
    agents[0]!.report();
    await fires('LockstepNodesDrifted', { cluster: 'web', kind: 'foreign' });
    agents[0]!.foreign = [];
    agents[0]!.report();
    await clears('LockstepNodesDrifted');
  });

  test('LockstepNodesHeadOverdue', async () => {
    const expiresAtMs = Date.now() - 1;
    agents[0]!.heardHead = { seq: 1, issuedAtMs: 1, expiresAtMs, expired: true, refused: '' };
    agents[0]!.report();
    await fires('LockstepNodesHeadOverdue', { cluster: 'web' });
    agents[0]!.heardHead = undefined;
    agents[0]!.report();
    await clears('LockstepNodesHeadOverdue');
  });

  test('LockstepTransitionsTakenBack', async () => {
    const lastTransition = {
      ...{ moduleName: 'lockstep_a', mode: 1, direction: 'patching', result: 'reversed', attempts: 9 },
      ...{ windowLastNs: 0, windowMaxNs: 0, checkedOutside: 1, checkedInside: 1, elapsedMs: 60_000, blockers: [] },
    };
    // One that succeeds is no reason, and has a duration, which the dashboard shows.
    agents[0]!.report({ lastTransition: { ...lastTransition, result: 'switched' } });
    agents[0]!.report({ lastTransition });
    await fires('LockstepTransitionsTakenBack', { mode: 'per_task', result: 'reversed' });
    await clears('LockstepTransitionsTakenBack');
  });

  test('LockstepNodesAway', async () => {
    agents[1]!.disconnect();
    await fires('LockstepNodesAway', { cluster: 'web' });
    agents[1]!.connect();
    await clears('LockstepNodesAway');
  });

  test('LockstepReportsLate', async () => {
    speaks = false;
    await fires('LockstepReportsLate', { cluster: 'web' }, 90_000);
    speaks = true;
    for (const agent of agents) agent.report();
    await clears('LockstepReportsLate');
  });

  test('LockstepRolloutHalted', async () => {
    agents[0]!.obedient = false;
    await rollOut();
    await eventually(() => {
      expect(agents[0]!.target).toBe(1);
    });
    agents[0]!.status = NodeStatus.NODE_STATUS_FAILED;
    agents[0]!.report({ problem: { reason: 'transition-stuck', message: 'task 42 sleeps in a' } });
    await fires('LockstepRolloutHalted', { cluster: 'web' });
    Object.assign(agents[0]!, { obedient: true, status: NodeStatus.NODE_STATUS_IN_STEP, position: 1 });
    agents[0]!.report();
    await plane.append('web', 'b');
    await rollOut();
    await clears('LockstepRolloutHalted');
  });
});

test('a rollout is halted by a number that Prometheus tells, and passes by one that keeps to its bound', async () => {
  await plane.append('web', 'c');
  const stateOf = async (id: string) => (await plane.operator.fleet.getRollout({ id })).rollout;
  const broken = await rollOut({ gates: ['streams=lockstep_agent_streams <= 1', 'up == 1'], bakeSeconds: 600 });
  await eventually(async () => {
    expect((await stateOf(broken))?.halt?.message).toBe('Gate streams is 2 at the canaries, and has to be <= 1.');
  }, 60_000);
  const unknown = await rollOut({ gates: ['nobody=lockstep_of_nobody <= 1'] });
  await eventually(async () => {
    expect((await stateOf(unknown))?.waiting?.message).toMatch(/gate nobody .* the query has no data/);
  }, 60_000);
  const kept = await rollOut({ gates: ['streams=lockstep_agent_streams == 2'] });
  await eventually(async () => {
    expect(await stateOf(kept)).toMatchObject({ status: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED });
  }, 60_000);
});

describe('what the control plane stands on', () => {
  test('LockstepBuildsNotTaken', async () => {
    await plane.stopWorkers();
    const ended = plane.build('d', 'd');
    await fires('LockstepBuildsNotTaken');
    await plane.work(plane.honestWorker);
    await ended;
    await clears('LockstepBuildsNotTaken');
  });

  test('LockstepDatabaseSlow and LockstepQueueSlow', async () => {
    const waiting = setInterval(() => {
      plane.operator.build.listPatches({ cve: '' }).catch(() => undefined);
    }, 500);
    // Something waits in the queue, so that it is asked.
    await plane.stopWorkers();
    link.delayAnswersMs = 700;
    const ended = plane.build('e', 'e').catch((error: unknown) => error);
    await fires('LockstepDatabaseSlow');
    await fires('LockstepQueueSlow');
    link.delayAnswersMs = 0;
    await clears('LockstepDatabaseSlow');
    await plane.work(plane.honestWorker);
    await ended;
    clearInterval(waiting);
    await clears('LockstepQueueSlow');
  });

  test('LockstepDatabaseAway and LockstepCallsUnanswered', async () => {
    const { port } = new URL(postgres.url);
    await postgres.stop();
    await expect(plane.operator.build.listPatches({ cve: '' }, { deadlineMs: 2_000 })).rejects.toThrow();
    await fires('LockstepDatabaseAway');
    await fires('LockstepCallsUnanswered', { kind: 'unavailable' });
    const ready = await fetch(`http://${plane.endpoint.monitoringAddress ?? ''}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([
      503,
      { ready: false, reasons: ['The database does not answer.'] },
    ]);
    postgres = await startPostgres(folder.path, Number(port));
    await clears('LockstepDatabaseAway');
    await clears('LockstepCallsUnanswered');
    expect(plane.fatal).toEqual([]);
  });

  test('LockstepEventLoopLate', async () => {
    // The control plane is in this process.
    const busy = setInterval(() => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
    }, 650);
    await fires('LockstepEventLoopLate');
    clearInterval(busy);
    await clears('LockstepEventLoopLate');
  });

  test('LockstepDown', async () => {
    await plane.down();
    await fires('LockstepDown');
    await plane.up();
    for (const agent of agents) agent.connect();
    await clears('LockstepDown');
  });

  test('LockstepCertificateEnds', async () => {
    const state = path.join(folder.path, 'old');
    const pki = path.join(state, 'pki');
    await mkdir(pki, { recursive: true, mode: 0o700 });
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: pki, stdio: 'ignore' });
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ca.key');
    openssl('req', '-x509', '-key', 'ca.key', '-subj', '/CN=Lockstep CA', '-days', '10', '-out', 'ca.crt');
    const other = await TestPlane.start({
      LOCKSTEP_STATE_DIR: state,
      LOCKSTEP_MONITORING_LISTEN: '127.0.0.1:0',
    });
    await prometheus.scrape(plane.endpoint.monitoringAddress ?? '', other.endpoint.monitoringAddress ?? '');
    await fires('LockstepCertificateEnds', { certificate: 'ca' });
    await prometheus.scrape(plane.endpoint.monitoringAddress ?? '');
    await other.stop();
    await clears('LockstepCertificateEnds');
  });
});

test('every alert fired', () => {
  const all = writtenQueries().flatMap(({ where }) => (where.startsWith('Lockstep') ? [where] : []));
  expect(all.filter((alert) => !fired.has(alert))).toEqual([]);
});

test('Prometheus knows every series that the alerts and the dashboard ask for, and takes every query', async () => {
  const failed: string[] = [];
  for (const query of writtenQueries()) {
    await prometheus.query(query.expr).catch((error: unknown) => failed.push(`${query.where}: ${String(error)}`));
    for (const { name } of selectorsOf(query)) {
      if ((await prometheus.query(`count(max_over_time(${name}[1h]))`)).length === 0)
        failed.push(`${query.where}: ${name}`);
    }
  }
  expect(failed).toEqual([]);
});
