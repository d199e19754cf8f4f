// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NodeStatus, StartRolloutRequest } from '@lockstep/contracts/generated';
import { operatorPaths } from '@lockstep/contracts/wire';
import { freePort } from '@lockstep/testing/local-servers';
import { HttpsCaller, type Listening } from './https-caller';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
let http: HttpsCaller;
let agent: TestAgent;

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_HTTP_PORT: String(await freePort()) });
  const token = readFileSync(path.join(plane.config.stateDir, 'operator.token'), 'utf8').trim();
  http = new HttpsCaller(plane.endpoint.httpAddress ?? '', plane.ca, token);
  await plane.work(plane.honestWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

describe('what the manual shows', () => {
  const manual = readFileSync(path.resolve(__dirname, '../../../../docs/operating/http-api.md'), 'utf8');
  const [setUp = '', ...examples] = Array.from(manual.matchAll(/```sh\n([\s\S]*?)```/g), ([, code = '']) => code);

  test('works as it is written', async () => {
    const script = [
      'set -euo pipefail',
      setUp.replace('https://localhost:7446', http.urlOf('')).replaceAll('/var/lib/lockstep', plane.config.stateDir),
      ...examples,
    ];
    await writeFile(path.join(plane.folder.path, 'fix.patch'), 'f');
    await writeFile(path.join(plane.folder.path, 'fix-1235.patch'), 'g');
    // The node of the examples joins its cluster as soon as that is made.
    const joined = eventually(async () => {
      agent = (await plane.enrol('web', 'web-01')).connect();
    });
    const file = path.join(plane.folder.path, 'examples.sh');
    await writeFile(file, script.join('\n'));
    const output = await new Promise<string>((resolve) => {
      execFile('bash', [file], { cwd: plane.folder.path, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
        resolve(error === null ? stdout : `${stdout}\n${stderr}\n${error.message}`);
      });
    });
    await joined;
    expect(output).toContain('"kernelBuilds":[');
    expect(output).toContain('"status":"BUILD_STATUS_SUCCEEDED"');
    expect(output).toContain('ROLLOUT_STATUS_SUCCEEDED');
    expect(output).toContain('event: end');
    expect(output).toContain('CAMPAIGN_STATUS_SUCCEEDED');
    expect(output).toMatch(/"toSeq":3,"status":"ROLLOUT_STATUS_SUCCEEDED"[^]*"rollsBack"/);
    expect(output.trimEnd()).toMatch(/"name":"web-01".*\}$/s);
  });
});

describe('errors', () => {
  test.each([
    ['no token', '/v1/nodes', { withToken: false }, 401, 'token-missing'],
    ['a wrong one', '/v1/nodes', { headers: { authorization: 'Bearer x' } }, 401, 'token-wrong'],
    ['what is not there', '/v1/nodes/nobody', {}, 404, 'unknown-node'],
    ['no such path', '/v2/nodes', {}, 404, 'unknown-path'],
    ['a field that there is not', '/v1/nodes?clutser=web', {}, 400, 'invalid-request'],
    ['one in a body', '/v1/clusters/web/rollouts', { method: 'POST', body: { wavesize: 1 } }, 400, 'invalid-request'],
    [
      'a word that is none',
      '/v1/clusters',
      { method: 'POST', body: { name: 'x', consistency: 'FAST' } },
      400,
      'invalid-request',
    ],
    ['what exists', '/v1/clusters', { method: 'POST', body: { name: 'web' } }, 409, 'cluster-exists'],
    [
      'what an invariant forbids',
      '/v1/clusters/web/order/retirements',
      { method: 'POST', body: { seq: 99 } },
      409,
      'not-in-stack',
    ],
  ])('%s', async (_, place, asking, status, reason) => {
    const answer = await http.ask(place, asking);
    expect({ status: answer.status, type: answer.type, json: answer.json['reason'] }).toEqual({
      ...{ status, json: reason },
      type: expect.stringMatching(/^application\/problem\+json/),
    });
    expect(answer.json).toMatchObject({ status, detail: expect.stringMatching(/\w/) });
  });

  test('a field that there is not is named', async () => {
    const { json } = await http.ask('/v1/nodes?clutser=web');
    expect(json['detail']).toContain('"clutser"');
  });
});

test('roles hold as they do for gRPC, and the body of a stranger is not read', async () => {
  const secret = randomBytes(32).toString('base64url');
  const secretSha256 = createHash('sha256').update(secret).digest('hex');
  const rights = { roles: ['ROLE_VIEWER'], scope: { everywhere: true } };
  const body = { name: 'looker', owner: 'eve', ownerKind: 'OWNER_KIND_PERSON', ...rights, secretSha256 };
  const made = await http.ask('/v1/access/tokens', { method: 'POST', body });
  expect(made.status).toBe(200);
  const headers = { authorization: `Bearer ${secret}` };
  expect((await http.ask('/v1/nodes', { headers })).status).toBe(200);
  const refused = await http.ask('/v1/clusters', { method: 'POST', body: { name: 'eves' }, headers });
  expect([refused.status, refused.json['kind']]).toEqual([403, 'forbidden']);
  const unread = await http.ask('/v1/clusters', { method: 'POST', body: { nonsense: 1 }, withToken: false });
  expect([unread.status, unread.json['reason']]).toEqual([401, 'token-missing']);
});

test('what needs no more than its path needs no body', async () => {
  const build = (await http.ask('/v1/builds')).json['builds'] as readonly { id: string }[];
  const { status, json } = await http.ask(`/v1/builds/${build[0]?.id ?? ''}/cancel`, { method: 'POST' });
  // It is the route that refuses: the build has ended.
  expect([status, json]).toMatchObject([409, { kind: 'refused', fields: { status: 'succeeded' } }]);
});

test('a call that is sent again with its key is done once', async () => {
  const again = { method: 'POST', body: { name: 'once' }, headers: { 'idempotency-key': 'a-key-of-this-test-alone' } };
  const first = await http.ask('/v1/clusters', again);
  expect([first.status, (await http.ask('/v1/clusters', again)).json]).toEqual([200, first.json]);
  expect((await http.ask('/v1/clusters', { ...again, headers: {} })).status).toBe(409);
});

test('the description has every call, and describes each by its comment', async () => {
  const { json } = await http.ask('/v1/openapi.json', { withToken: false });
  const paths = json['paths'] as Record<string, Record<string, { operationId: string; summary?: string }>>;
  const described = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  const sessions = ['getSession', 'getSignInWays', 'signIn', 'signOut'];
  expect(described.sort()).toEqual([...Object.keys(operatorPaths), ...sessions].sort());
  expect(paths['/v1/clusters/{cluster}/rollouts']?.['post']?.summary).toMatch(/wave by wave/);
  const text = JSON.stringify(json);
  const schemas = Object.keys((json['components'] as { schemas: object }).schemas);
  const missing = Array.from(text.matchAll(/"#\/components\/schemas\/([^"]+)"/g), ([, name = '']) => name);
  expect(missing.filter((name) => !schemas.includes(name))).toEqual([]);
});

test('whoever follows the audit and comes again is told what is new since, once', async () => {
  const seqsIn = ({ events }: Listening): unknown[] =>
    events.flatMap(({ data }) => ((data['records'] ?? []) as { seq: number }[]).map(({ seq }) => seq));
  const first = http.listen('/v1/audit?follow=true');
  await eventually(() => {
    expect(seqsIn(first).length).toBeGreaterThan(0);
  });
  first.close();
  const told = seqsIn(first);
  const id = first.events.findLast((event) => event.id !== undefined)?.id ?? '';
  expect(Number(id)).toBe(told.at(-1));
  const again = http.listen('/v1/audit?follow=true', { headers: { 'last-event-id': id } });
  await http.ask('/v1/clusters', { method: 'POST', body: { name: 'followed' } });
  await eventually(() => {
    expect(JSON.stringify(again.events)).toContain('followed');
  });
  again.close();
  expect(seqsIn(again)).toEqual(Array.from(seqsIn(again), (_, index) => Number(id) + 1 + index));
});

describe('a live rollout', () => {
  let place: string;
  beforeAll(async () => {
    await plane.build('live', 'live');
    await plane.append('web', 'live');
    agent.obedient = false;
    const { rollout } = await plane.operator.fleet.startRollout(StartRolloutRequest.fromPartial({ cluster: 'web' }));
    place = `/v1/rollouts/${rollout?.id ?? ''}/events`;
    await eventually(() => {
      expect(agent.target).toBe(4);
    });
  });

  test('a crowd of changes is two events a second, the last of which has the last change', async () => {
    const startedAtMs = performance.now();
    const { events, close } = http.listen(place);
    await eventually(() => {
      expect(events.length).toBe(1);
    });
    agent.status = NodeStatus.NODE_STATUS_FAILED;
    for (let change = 0; change < 40; change += 1) {
      agent.report({ status: NodeStatus.NODE_STATUS_MOVING, problem: { reason: 'busy', message: `task ${change}` } });
      await sleep(50);
    }
    await eventually(() => {
      expect(JSON.stringify(events.at(-1)?.data)).toContain('task 39');
    });
    // All of it: what was sent in time may come late, and then together.
    const seconds = (performance.now() - startedAtMs) / 1000;
    expect(events.length).toBeLessThanOrEqual(2 + 2 * seconds);
    close();
  });

  test('whoever comes again is told only what is new', async () => {
    const first = http.listen(place);
    await eventually(() => {
      expect(first.events.length).toBeGreaterThan(0);
    });
    first.close();
    const id = first.events.at(-1)?.id ?? '';
    const again = http.listen(place, { headers: { 'last-event-id': id } });
    await sleep(1_500);
    expect(again.events).toEqual([]);
    agent.report({ status: NodeStatus.NODE_STATUS_MOVING, problem: { reason: 'busy', message: 'something else' } });
    await eventually(() => {
      expect(JSON.stringify(again.events.at(-1)?.data)).toContain('something else');
    });
    again.close();
  });

  test('its end is told as one', async () => {
    const { events, close } = http.listen(place);
    agent.status = NodeStatus.NODE_STATUS_MOVING;
    agent.obey();
    await eventually(() => {
      expect(events.at(-1)?.type).toBe('end');
    });
    expect(JSON.stringify(events.at(-2)?.data)).toContain('ROLLOUT_STATUS_SUCCEEDED');
    close();
  });

  test('one that is not there is a problem, not a stream', async () => {
    const { status, json } = await http.ask('/v1/rollouts/00000000-0000-4000-8000-000000000000/events');
    expect([status, json['reason']]).toEqual([404, 'unknown-rollout']);
  });
});
