// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ReadAuditRequest, Role } from '@lockstep/contracts/generated';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { HttpsCaller, type Answer, type Asking } from './https-caller';
import { eventually, TestPlane } from './test-plane';

let plane: TestPlane;
let folder: TemporaryFolder;
let http: HttpsCaller;
let admin: string;

const page =
  '<html><meta property="csp-nonce" nonce="__CSP_NONCE__"><script src="/console/assets/app-1f.js"></script></html>';
const script = `console.log("${'lockstep '.repeat(500)}")`;

beforeAll(async () => {
  folder = await temporaryFolder('console-files');
  await mkdir(path.join(folder.path, 'assets'));
  await writeFile(path.join(folder.path, 'index.html'), page);
  await writeFile(path.join(folder.path, 'assets/app-1f.js'), script);
  plane = await TestPlane.start({
    LOCKSTEP_HTTP_PORT: String(await freePort()),
    LOCKSTEP_CONSOLE_DIR: folder.path,
  });
  admin = (await readFile(path.join(plane.config.stateDir, 'operator.token'), 'utf8')).trim();
  http = new HttpsCaller(plane.endpoint.httpAddress ?? '', plane.ca, admin);
});
afterAll(async () => {
  await plane.stop();
  await folder.remove();
});

interface Session {
  readonly json: {
    readonly identity: { readonly name: string; readonly session: string };
    readonly csrf: string;
    readonly expiresAt: string;
    readonly may: Readonly<Record<string, true | { readonly reason: string }>>;
  };
  readonly setCookie: string;
  readonly cookie: string;
}

/** As a browser does it: no token but in the body. */
const ask = (place: string, asking: Asking = {}): Promise<Answer> => http.ask(place, { withToken: false, ...asking });

async function signIn(token: string): Promise<Session> {
  const { status, json, headers } = await ask('/v1/session', { method: 'POST', body: { token } });
  expect([status, json['detail']]).toEqual([200, undefined]);
  const [setCookie = ''] = headers['set-cookie'] ?? [];
  return { json: json as unknown as Session['json'], setCookie, cookie: setCookie.split(';')[0] ?? '' };
}

const by = ({ cookie }: Session, headers: Readonly<Record<string, string>> = {}) => ({ cookie, ...headers });
const changingBy = (session: Session) => by(session, { 'x-lockstep-csrf': session.json.csrf });
const reasonOf = async (answer: Promise<Answer>): Promise<unknown> => {
  const { status, json } = await answer;
  return [status, json['reason']];
};

describe('a session', () => {
  test('is begun with a token, kept by a cookie that scripts do not see, and does what the token may', async () => {
    const session = await signIn(admin);
    expect(session.setCookie).toMatch(
      /^__Host-lockstep=[\w-]{43}; Expires=.*GMT; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    expect(session.json).toMatchObject({
      identity: { name: 'local-admin', kind: 'person', roles: ['ROLE_ADMIN'], everywhere: true },
      may: { 'roll-out': true, join: { reason: expect.stringContaining('local-admin may not join') } },
    });
    expect(Date.parse(session.json.expiresAt) - Date.now()).toBeLessThanOrEqual(12 * 3600_000);
    // A page that is loaded again asks.
    expect((await ask('/v1/session', { headers: by(session) })).json).toEqual(session.json);
    expect((await ask('/v1/clusters', { headers: by(session) })).status).toBe(200);
    const body = { name: 'web' };
    const made = await ask('/v1/clusters', { method: 'POST', body, headers: changingBy(session) });
    expect(made.status).toBe(200);
    const tokens: string[] = [];
    for await (const { records } of plane.operator.audit.readAudit(ReadAuditRequest.fromPartial({}))) {
      tokens.push(...records.flatMap(({ call, token }) => (call === 'Fleet/CreateCluster' ? [token] : [])));
    }
    expect(tokens).toEqual([session.json.identity.session]);
  });

  test('changes nothing for a page of another site, which does not know its word', async () => {
    const session = await signIn(admin);
    const forged = (headers: Readonly<Record<string, string>>) =>
      reasonOf(ask('/v1/clusters', { method: 'POST', body: { name: 'forged' }, headers }));
    expect(await forged(by(session))).toEqual([403, 'csrf-missing']);
    expect(await forged(by(session, { 'x-lockstep-csrf': (await signIn(admin)).json.csrf }))).toEqual([
      403,
      'csrf-missing',
    ]);
    expect(await reasonOf(ask('/v1/session', { method: 'DELETE', headers: by(session) }))).toEqual([
      403,
      'csrf-missing',
    ]);
    const { clusters } = await plane.operator.fleet.listClusters({});
    expect(clusters.map(({ name }) => name)).not.toContain('forged');
    // A program's token is nothing that a browser sends by itself.
    expect((await http.ask('/v1/clusters', { method: 'POST', body: { name: 'scripted' } })).status).toBe(200);
  });

  test('says what one may not, and why', async () => {
    const token = await plane.accessToken('eve', {
      roles: [Role.ROLE_VIEWER],
      scope: { everywhere: false, clusters: ['web'], selector: '' },
    });
    const session = await signIn(token);
    expect(session.json).toMatchObject({
      identity: { name: 'eve', roles: ['ROLE_VIEWER'], everywhere: false, clusters: ['web'] },
      may: { look: true, 'roll-out': { reason: expect.stringContaining('person:eve may not roll-out anything') } },
    });
    const refused = ask('/v1/clusters', { method: 'POST', body: { name: 'eves' }, headers: changingBy(session) });
    expect(await reasonOf(refused)).toEqual([403, 'not-allowed']);
  });

  test('ends when it is told to, for its streams too, and the cookie goes', async () => {
    const session = await signIn(admin);
    const watch = http.listen('/v1/events/stream', { withToken: false, headers: by(session) });
    await eventually(() => {
      expect(watch.isOpen()).toBe(true);
    });
    const out = await ask('/v1/session', { method: 'DELETE', headers: changingBy(session) });
    expect([out.status, out.headers['set-cookie']]).toEqual([
      204,
      [expect.stringContaining('__Host-lockstep=; Max-Age=0')],
    ]);
    await eventually(() => {
      expect(watch.isOpen()).toBe(false);
    });
    expect(await reasonOf(ask('/v1/nodes', { headers: by(session) }))).toEqual([401, 'session-ended']);
  });

  test('of another tab is not taken away by an answer to one that is over, nor by a wrong token', async () => {
    const [over, good] = [await signIn(admin), await signIn(admin)];
    await ask('/v1/session', { method: 'DELETE', headers: changingBy(over) });
    const late = await ask('/v1/nodes', { headers: by(over) });
    const wrong = await ask('/v1/session', { method: 'POST', body: { token: 'mistyped' }, headers: by(good) });
    expect([late, wrong].map(({ status, headers }) => [status, headers['set-cookie']])).toEqual([
      [401, undefined],
      [401, undefined],
    ]);
    expect((await ask('/v1/session', { headers: by(good) })).status).toBe(200);
  });

  test('ends with the token that it was begun with, and is a token that an admin sees and revokes', async () => {
    const run = (...args: string[]) => runLockstep(plane.config.stateDir, args);
    const first = await signIn(await plane.accessToken('laptop', { owner: 'mallory' }));
    const second = await signIn(await plane.accessToken('phone', { owner: 'mallory' }));
    expect((await run('token', 'ls')).stdout).not.toContain('session-');
    expect((await run('token', 'ls', '--sessions')).stdout).toContain(first.json.identity.session);
    expect((await run('token', 'revoke', 'laptop')).code).toBe(0);
    expect(await reasonOf(ask('/v1/nodes', { headers: by(first) }))).toEqual([401, 'session-ended']);
    expect((await ask('/v1/nodes', { headers: by(second) })).status).toBe(200);
    expect((await run('token', 'revoke', second.json.identity.session)).code).toBe(0);
    expect(await reasonOf(ask('/v1/nodes', { headers: by(second) }))).toEqual([401, 'session-ended']);
    // Also for who knows it only from the database.
    await plane.down();
    await plane.up();
    expect(await reasonOf(ask('/v1/nodes', { headers: by(first) }))).toEqual([401, 'session-ended']);
  });

  test('begins no other, and of one person there are twenty', async () => {
    const token = await plane.accessToken('busy');
    const first = await signIn(token);
    const body = { secretSha256: 'a'.repeat(64) };
    const nested = ask('/v1/access/sessions', { method: 'POST', body, headers: changingBy(first) });
    expect(await reasonOf(nested)).toEqual([409, 'session-begins-none']);
    for (let count = 0; count < 19; count += 1) await signIn(token);
    expect((await ask('/v1/session', { headers: by(first) })).status).toBe(200);
    await signIn(token);
    expect(await reasonOf(ask('/v1/session', { headers: by(first) }))).toEqual([401, 'session-ended']);
  });
});

describe("the console's files", () => {
  test('are found from the root, by a page whose policy allows nothing inline but what has its nonce', async () => {
    const root = await ask('/');
    expect([root.status, root.headers.location]).toEqual([302, '/console/']);
    const [first, second] = [await ask('/console/'), await ask('/console/rollouts/1?tab=waves')];
    const nonces = [first, second].map(({ text }) => /nonce="([\w-]{22})"/.exec(text)?.[1]);
    expect(nonces[0]).not.toBe(nonces[1]);
    for (const [index, { status, type, headers }] of [first, second].entries()) {
      expect([status, type, headers['cache-control']]).toEqual([200, 'text/html; charset=utf-8', 'no-cache']);
      const policy = String(headers['content-security-policy']);
      expect(policy).toContain(`style-src 'self' 'nonce-${nonces[index] ?? ''}'`);
      expect(policy).toContain("default-src 'self'; script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe');
    }
    expect(first.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    expect(first.headers['strict-transport-security']).toMatch(/^max-age=\d+$/);
  });

  test('are kept by their names, compressed, and asked for again where the name stays', async () => {
    const asset = await ask('/console/assets/app-1f.js', { headers: { 'accept-encoding': 'gzip, br' } });
    expect(asset.headers).toMatchObject({
      ...{ 'content-type': 'text/javascript; charset=utf-8', 'content-encoding': 'br' },
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(Number(asset.headers['content-length'])).toBeLessThan(200);
    const plain = await ask('/console/assets/app-1f.js');
    expect(plain.text).toBe(script);
    const headers = { 'if-none-match': String(plain.headers.etag) };
    expect((await ask('/console/assets/app-1f.js', { headers })).status).toBe(304);
  });

  test.each([
    '/console/assets/app-00.js',
    '/console/assets/../../operator.token',
    '/console/assets/%2e%2e/%2e%2e/operator.token',
  ])('%s is none', async (place) => {
    expect(await reasonOf(ask(place))).toEqual([404, 'unknown-file']);
  });

  test('what is data is no page', async () => {
    const { headers } = await http.ask('/v1/nodes');
    expect(headers).toMatchObject({
      ...{ 'content-security-policy': "default-src 'none'; frame-ancestors 'none'", 'cache-control': 'no-store' },
      'x-content-type-options': 'nosniff',
    });
  });
});

test('whoever tries many tokens waits, and learns nothing by it', async () => {
  const tried: unknown[][] = [];
  while (tried.length < 30 && tried.at(-1)?.[0] !== 503) {
    const body = { token: `guess-${tried.length}` };
    tried.push((await reasonOf(ask('/v1/session', { method: 'POST', body }))) as unknown[]);
  }
  expect(tried.pop()).toEqual([503, 'too-many-sign-ins']);
  expect(new Set(tried.map(String))).toEqual(new Set(['401,token-wrong']));
  // One or none was tried above within the same minute.
  expect([19, 20]).toContain(tried.length);
});
