// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
// eslint-disable-next-line no-restricted-imports -- it makes thousands of rows, which no interface does
import { Client } from 'pg';
import { NodeStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { Webhook } from 'standardwebhooks';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(180_000);

// From what happens to whoever wants to be told: the log of events, who follows it, and endpoints of others.

interface Heard {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly type: string;
}

/** An endpoint that answers as its test says, and keeps what it was told. */
class Endpoint {
  readonly heard: Heard[] = [];
  answer: number | 'never' = 200;
  private constructor(private readonly server: Server) {}

  static async open(): Promise<Endpoint> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        endpoint.take(request.headers, Buffer.concat(chunks).toString());
        if (endpoint.answer !== 'never') response.writeHead(endpoint.answer).end();
      });
    }).listen(0, '127.0.0.1');
    const endpoint = new Endpoint(server);
    await new Promise((resolve) => server.once('listening', resolve));
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  private take(headers: IncomingHttpHeaders, body: string): void {
    const { type } = JSON.parse(body) as { type: string };
    this.heard.push({ headers: headers as Record<string, string>, body, type });
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let plane: TestPlane;
let agent: TestAgent;
let second: TestAgent;
const endpoints: Endpoint[] = [];
const cluster = 'web';

beforeAll(async () => {
  plane = await TestPlane.start({ LOCKSTEP_WEBHOOK_LOCAL: 'on', LOCKSTEP_WEBHOOK_FIRST_RETRY_MS: '200' });
  await plane.work(plane.honestWorker);
  await plane.addKernel();
  await plane.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
  for (let count = 0; count < 3; count += 1) endpoints.push(await Endpoint.open());
  agent = (await plane.enrol(cluster, 'n1')).connect();
  second = (await plane.enrol(cluster, 'n2')).connect();
});
afterAll(async () => {
  for (const endpoint of endpoints) endpoint.close();
  await plane.stop();
});

const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);
interface Shown {
  readonly events: { readonly type: string; readonly subject: string; readonly seq: number }[];
}
async function events(...args: string[]): Promise<Shown['events']> {
  return (JSON.parse((await lockstep('events', '--json', ...args)).stdout) as Shown).events;
}
const typesOf = async (...args: string[]): Promise<string[]> => (await events(...args)).map(({ type }) => type);
async function addWebhook(name: string, endpoint: Endpoint, ...args: string[]): Promise<string> {
  const { stdout } = await lockstep('webhook', 'add', name, endpoint.url, '--json', ...args);
  return (JSON.parse(stdout) as { secret: string }).secret;
}
const secretOf: Record<string, string> = {};

test('what happens is told in order, once, to whoever lists, and signed, to every endpoint that wants it', async () => {
  const [all, rollouts, silent] = endpoints as [Endpoint, Endpoint, Endpoint];
  silent.answer = 'never';
  secretOf['all'] = await addWebhook('all', all);
  await addWebhook('rollouts', rollouts, '--type', 'rollout.*', '--cluster', cluster);
  await addWebhook('silent', silent);
  await plane.submit({ name: 'fix', diff: Buffer.from('a'), cves: ['CVE-2026-1234'] });
  await plane.build('clash', 'a');
  await plane.append(cluster, 'fix');
  await expect(plane.append(cluster, 'clash')).rejects.toMatchObject({ reason: 'unforced-conflict' });
  await eventually(() => {
    expect(agent.headSeq + second.headSeq).toBe(2);
  });
  await plane.operator.fleet.startRollout({
    cluster,
    kernelBuildId: '',
    toSeq: 0,
    canaries: 1,
    waveSize: 0,
    rules: undefined,
    planHash: '',
  });
  const expected = ['rollout.started', 'rollout.wave-opened', 'rollout.wave-opened', 'rollout.done'];
  await eventually(async () => {
    expect(await typesOf('--type', 'rollout.*')).toEqual(expected);
  });
  expect(await typesOf('--type', 'patch.*', '--type', 'order.*')).toEqual([
    'patch.submitted',
    'patch.submitted',
    'order.conflict-refused',
  ]);
  // An endpoint that never answers holds up nobody.
  await eventually(() => {
    expect(rollouts.heard.map(({ type }) => type).sort()).toEqual([...expected].sort());
    expect(all.heard).toHaveLength(7);
  });
  for (const { body, headers } of all.heard) {
    const told = new Webhook(secretOf['all']).verify(body, headers) as { data: { seq: number } };
    expect(told.data.seq).toBeGreaterThan(0);
  }
  expect(new Set(all.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(7);
  expect((await lockstep('webhook', 'ls')).stdout).toMatch(
    /^all +http:\/\/127\.0\.0\.1:\d+\/… +all +all +on .* taken with 200$/m,
  );
});

test('what was not taken is told again, the same, until it is; one that wants no more is told no more', async () => {
  const [, rollouts] = endpoints as [Endpoint, Endpoint];
  await lockstep('webhook', 'rm', 'silent');
  await addWebhook('flaky', rollouts, '--type', 'patch.submitted');
  rollouts.heard.length = 0;
  rollouts.answer = 503;
  await plane.build('other', 'b');
  await eventually(() => {
    expect(rollouts.heard.length).toBeGreaterThan(1);
  });
  rollouts.answer = 200;
  await eventually(async () => {
    expect((await lockstep('webhook', 'ls')).stdout).toMatch(/^flaky .* taken with 200$/m);
  });
  expect(new Set(rollouts.heard.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(rollouts.heard.map(({ body }) => body)).size).toBe(1);
  rollouts.answer = 410;
  await plane.build('third', 'c');
  await eventually(async () => {
    expect((await lockstep('webhook', 'ls')).stdout).toMatch(/^flaky .* off: it answered 410/m);
  });
  const before = rollouts.heard.length;
  await plane.build('fourth', 'd');
  await eventually(async () => {
    expect(await typesOf('--type', 'patch.submitted', '--limit', '1000')).toHaveLength(5);
  });
  expect(rollouts.heard).toHaveLength(before);
  rollouts.answer = 200;
});

test('a node that fails is told of once, also over a restart, and again when it is well', async () => {
  const [all] = endpoints as [Endpoint];
  const failing = { status: NodeStatus.NODE_STATUS_FAILED, problem: { reason: 'x', message: 'No room.' } };
  agent.report({ ...failing, position: 1, target: 1 });
  await eventually(async () => {
    expect(await typesOf('--type', 'node.*')).toEqual(['node.failed']);
  });
  await plane.restart();
  second.connect();
  agent.status = NodeStatus.NODE_STATUS_FAILED;
  agent.problem = failing.problem;
  agent.connect();
  await eventually(async () => {
    const { node } = await plane.operator.fleet.getNode({ name: 'n1' });
    expect([node?.connected, node?.report?.problem?.message]).toEqual([true, 'No room.']);
  });
  agent.status = NodeStatus.NODE_STATUS_IN_STEP;
  agent.problem = undefined;
  agent.report();
  await eventually(async () => {
    expect(await typesOf('--type', 'node.*')).toEqual(['node.failed', 'node.recovered']);
  });
  expect((await lockstep('events', '--type', 'node.*')).stdout).toMatch(/^\S+ \S+ node\.failed Node n1: No room\.$/m);
  await eventually(() => {
    expect(all.heard.filter(({ type }) => type.startsWith('node.')).map(({ type }) => type)).toEqual([
      'node.failed',
      'node.recovered',
    ]);
  });
});

test('two secrets sign while one is rotated; a test says what came of it', async () => {
  const [all] = endpoints as [Endpoint];
  const rotated = await lockstep('webhook', 'rotate-secret', 'all', '--json');
  const { secret } = JSON.parse(rotated.stdout) as { secret: string };
  all.heard.length = 0;
  expect((await lockstep('webhook', 'test', 'all')).stdout).toBe('all taken with 200.\n');
  const [tested] = all.heard;
  for (const each of [secret, secretOf['all']!]) {
    expect(new Webhook(each).verify(tested!.body, tested!.headers)).toMatchObject({ type: 'webhook.test' });
  }
  await lockstep('webhook', 'rotate-secret', 'all', '--overlap-hours', '0');
  all.heard.length = 0;
  all.answer = 500;
  const failed = await lockstep('webhook', 'test', 'all');
  expect([failed.code, failed.stdout]).toEqual([1, 'all answered 500.\n']);
  expect(all.heard[0]!.headers['webhook-signature']!.split(' ')).toHaveLength(1);
  all.answer = 200;
});

test('who follows is told as it happens, from where it was', async () => {
  const [last] = (await events()).slice(-1);
  const abort = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    const request = { types: ['patch.submitted'], cluster: '', afterSeq: last!.seq };
    for await (const { event } of plane.operator.fleet.watchEvents(request, { signal: abort.signal }))
      seen.push(event!.subject);
  })().catch(() => undefined);
  await plane.build('followed', 'e');
  await eventually(() => {
    expect(seen).toEqual(['followed']);
  });
  abort.abort();
  await watching;
});

test.each([
  [2, ['webhook', 'add', 'x', 'https://169.254.169.254/latest'], /link-local/],
  [2, ['webhook', 'add', 'x', 'https://u:p@h/'], /user and password out/],
  [2, ['webhook', 'add', 'x', 'https://h/', '--type', 'node'], /is no type of event/],
  [2, ['webhook', 'add', 'X', 'https://h/'], /is not a webhook's name/],
  [1, ['webhook', 'add', 'all', 'https://h/'], /There is a webhook "all" already/],
  [1, ['webhook', 'add', 'x', 'https://h/', '--cluster', 'nope'], /There is no cluster "nope"/],
  [1, ['webhook', 'rm', 'al'], /There is no webhook "al"/],
  [2, ['events', '--limit', '5000'], /At most 1000 events/],
])('ends with %i and words: %j', async (wanted, args, expected) => {
  const { code, stderr } = await lockstep(...args);
  expect([code, stderr]).toEqual([wanted, expect.stringMatching(expected)]);
});

test('no number is too high to be asked for', async () => {
  for (const beforeSeq of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER]) {
    const { events } = await plane.operator.fleet.listEvents({ types: [], cluster: '', limit: 3, beforeSeq });
    expect([beforeSeq, events.length]).toEqual([beforeSeq, 3]);
  }
});

test('what is asked for is found among thousands of other events, page by page', async () => {
  const pg = new Client({ connectionString: plane.endpoint.databaseUrl });
  await pg.connect();
  await pg.query(`INSERT INTO events (id, key, type, cluster, subject, message, data)
    SELECT gen_random_uuid(), 'noise ' || i, CASE WHEN i % 1000 = 1 THEN 'order.recovered' ELSE 'patch.submitted' END,
      NULL, 's', 'm', '{}' FROM generate_series(1, 3000) AS i`);
  await pg.end();
  const list = (limit: number, beforeSeq?: number) =>
    plane.operator.fleet.listEvents({ types: ['order.recovered'], cluster: '', limit, beforeSeq });
  const { events: newest } = await list(2);
  const { events: before } = await list(2, newest[0]?.seq);
  expect([newest.length, before.length]).toEqual([2, 1]);
  expect([...before, ...newest].map(({ seq }) => seq)).toEqual(
    [...before, ...newest].map(({ seq }) => seq).sort((a, b) => a - b),
  );
});
