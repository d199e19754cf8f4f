// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { credentials, type ServiceError } from '@grpc/grpc-js';
import { HealthCheckResponse_ServingStatus as Serving, HealthClient } from '@lockstep/contracts/generated/health';
import { StartRolloutRequest } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { selectorsOf, writtenQueries } from './monitoring-files';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
let agent: TestAgent;

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_MONITORING_LISTEN: '127.0.0.1:0' });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ name: 'web', ...switchingToWire({}) });
  agent = (await plane.enrol('web', 'host-of-the-test')).connect();
  await plane.build('fix', 'f');
  await plane.append('web', 'fix');
  await plane.operator.fleet.startRollout(StartRolloutRequest.fromPartial({ cluster: 'web' }));
});
afterAll(() => plane.stop());

const get = (path: string): Promise<Response> => fetch(`http://${plane.endpoint.monitoringAddress ?? ''}${path}`);
const scrape = async (): Promise<string> => (await get('/metrics')).text();

function healthClient(): HealthClient {
  return new HealthClient(plane.endpoint.operatorAddress, credentials.createSsl(Buffer.from(plane.ca)));
}

function check(service: string): Promise<Serving | string> {
  const client = healthClient();
  return new Promise((resolve) => {
    client.check({ service }, (error: ServiceError | null, answer) => {
      client.close();
      resolve(error === null ? answer.status : error.details);
    });
  });
}

test('a scrape tells of the fleet, the builds, the database and the queue, and names no node', async () => {
  const lines = [
    'lockstep_nodes{cluster="web",status="in-step"} 1',
    'lockstep_nodes_connected{cluster="web"} 1',
    'lockstep_agent_streams 1',
    'lockstep_agent_streams_opened_total 1',
    'lockstep_builds{status="queued"} 0',
    'lockstep_build_requests_total{result="queued"} 1',
    'lockstep_build_queue_time_seconds_count 1',
    'lockstep_build_duration_seconds_count{status="succeeded"} 1',
    'lockstep_calls_total{method="AppendLoad"} 1',
    'lockstep_call_duration_seconds_count{method="AppendLoad"} 1',
    'lockstep_database_up 1',
  ];
  // What is reconciled every few seconds is as old as that.
  await eventually(async () => {
    const told = (await scrape()).split('\n');
    expect(lines.filter((line) => !told.includes(line))).toEqual([]);
  });
  const text = await scrape();
  expect(text).toMatch(/^lockstep_database_statement_duration_seconds_count [1-9]/m);
  expect(text).toMatch(/^lockstep_queue_call_duration_seconds_count [1-9]/m);
  expect(text).toMatch(/^lockstep_log_head_timestamp_seconds\{cluster="web",kernel_build="(ab){20}"\} \d{10}/m);
  expect(text).not.toContain('host-of-the-test');
});

test('a call that fails is counted by the kind of its error', async () => {
  await expect(plane.append('web', 'no-such-patch')).rejects.toThrow();
  expect(await scrape()).toContain('lockstep_call_errors_total{kind="not-found"} 1');
});

test('a kernel that has switched is told once, with how long it stood still', async () => {
  const lastTransition = {
    ...{ moduleName: 'lockstep_fix', mode: 2, direction: 'patching', result: 'switched', attempts: 1 },
    ...{ windowLastNs: 42_000, windowMaxNs: 42_000, checkedOutside: 1, checkedInside: 1, elapsedMs: 700, blockers: [] },
  };
  agent.report({ lastTransition });
  agent.report({ lastTransition });
  await eventually(async () => {
    expect(await scrape()).toContain('lockstep_transition_stop_window_seconds_count 1');
  });
});

/** Labels that Prometheus adds. */
const addedLabels = ['job', 'instance'];

test('every metric, label and value that the alerts and the dashboard name is told', async () => {
  // One that was just begun is known a moment later.
  await eventually(async () => {
    expect(await scrape()).toContain('lockstep_rollouts{');
  });
  const text = await scrape();
  const queries = writtenQueries();
  expect(queries.filter(({ expr }) => expr === '')).toEqual([]);
  expect(queries.length).toBeGreaterThan(40);
  const linesOf = (name: string): string[] =>
    text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const untold = queries.flatMap((query) => {
    const selectors = selectorsOf(query);
    const labels = query.labels.map((label) => `${label}="`);
    const all = selectors.flatMap(({ name }) => linesOf(name));
    const wanted = selectors.flatMap(({ name, matchers }) => [
      { name, text: '', lines: linesOf(name) },
      ...matchers
        .filter(({ label, values }) => !addedLabels.includes(label) && values[0] !== '.*')
        .flatMap(({ label, values }) =>
          values.map((value) => ({ name, text: `${label}="${value}"`, lines: linesOf(name) })),
        ),
    ]);
    return [
      ...wanted.filter(({ text: part, lines }) => !lines.some((line) => line.includes(part))),
      ...labels
        .filter((label) => !addedLabels.includes(label.slice(0, -2)) && !all.some((line) => line.includes(label)))
        .map((label) => ({ name: query.where, text: label, lines: all })),
    ].map(({ name, text: part }) => `${query.where}: ${name} ${part}`);
  });
  expect(untold).toEqual([]);
});

test('a scrape asks the database nothing', async () => {
  // Between two scrapes that follow at once, whatever else goes on, some pair saw no statement.
  await eventually(async () => {
    const count = async (): Promise<string | undefined> =>
      /^lockstep_database_statement_duration_seconds_count (\d+)/m.exec(await scrape())?.[1];
    const before = await count();
    for (let time = 0; time < 10; time += 1) await scrape();
    expect(await count()).toBe(before);
  });
});

test('it is ready, by HTTP and by gRPC', async () => {
  const ready = await get('/readyz');
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [] }]);
  expect(await check('')).toBe(Serving.SERVING);
  expect(await check('lockstep.v1.FleetService')).toBe(Serving.SERVING);
  expect(await check('lockstep.v1.AgentService')).toMatch(
    /^There is no service "lockstep.v1.AgentService" on this port/,
  );
});

test('who watches is told that it stops, before it does', async () => {
  const client = healthClient();
  const seen: Serving[] = [];
  const call = client.watch({ service: '' });
  call.on('data', ({ status }: { status: Serving }) => seen.push(status));
  const ended = new Promise<string>((resolve) =>
    call.on('error', (error: ServiceError) => {
      resolve(error.details);
    }),
  );
  await eventually(() => {
    expect(seen).toEqual([Serving.SERVING]);
  });
  await plane.down();
  expect(await ended).toMatch(/stopping/);
  expect(seen).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  client.close();
  await plane.up();
});
