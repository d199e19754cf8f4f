// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  buildBundles,
  createFleetServer,
  eventually,
  fleetProcess,
  runLockstep,
  type FleetProcess,
  type FleetServer,
} from '@lockstep/testing/dev-fleet';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { HttpsCaller, type Answer } from './https-caller';

jest.setTimeout(180_000);

let folder: TemporaryFolder;
let peer: FleetProcess;
let plane: FleetServer;
let http: HttpsCaller;
let issuer: string;
let redirectUri: string;

beforeAll(async () => {
  buildBundles();
  folder = await temporaryFolder('oidc');
  const [httpPort, peerPort] = [await freePort(), await freePort()];
  const publicUrl = `https://localhost:${httpPort}`;
  issuer = `http://127.0.0.1:${peerPort}`;
  redirectUri = `${publicUrl}/v1/session/oidc/callback`;
  const groupsOf = { alice: ['staff', 'kernel-team'], bob: ['staff'], mallory: ['kernel-team'] };
  peer = fleetProcess({
    ...{ name: 'provider', command: process.execPath, env: {}, logFile: path.join(folder.path, 'provider.log') },
    args: [path.join(__dirname, 'oidc-peer.mjs'), String(peerPort), redirectUri, JSON.stringify(groupsOf)],
  });
  const oidcFile = path.join(folder.path, 'oidc.json');
  const client = { clientId: 'lockstep', clientSecret: 'a-secret-that-only-the-two-of-them-know' };
  const groups = [{ group: 'kernel-team', roles: ['operator'], clusters: ['web'] }];
  await writeFile(oidcFile, JSON.stringify({ issuer, ...client, publicUrl, groups, label: 'Example' }));
  const env = { LOCKSTEP_HTTP_PORT: String(httpPort), LOCKSTEP_OIDC_FILE: oidcFile };
  plane = await createFleetServer(folder.path, undefined, false, env);
  await plane.start();
  http = new HttpsCaller(`localhost:${httpPort}`, readFileSync(path.join(plane.stateDir, 'pki/ca.crt'), 'utf8'), '');
});
afterAll(async () => {
  await plane.stop();
  await peer.stop();
  await folder.remove();
});

const get = (place: string, cookie = ''): Promise<Answer> =>
  http.ask(place, { withToken: false, ...(cookie !== '' && { headers: { cookie } }) });

const cookiesIn = (lines: readonly string[]): string => lines.map((line) => line.split(';')[0] ?? '').join('; ');

/** Goes through the provider's pages as a person in a browser; answers the address that the browser is sent back to. */
async function signInThere(login: string, begin: string): Promise<string> {
  const jar = new Map<string, string>();
  const fetchThere = async (url: string, body?: URLSearchParams): Promise<Response> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const post = body === undefined ? {} : { method: 'POST', body };
    const response = await fetch(url, { ...post, redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return response;
  };
  let url = begin;
  let response = await fetchThere(url);
  for (let step = 0; step < 20; step += 1) {
    const location = response.headers.get('location');
    if (location !== null) {
      url = new URL(location, url).href;
      if (url.startsWith(redirectUri)) return url;
      response = await fetchThere(url);
      continue;
    }
    const page = await response.text();
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    const action = /action="([^"]+)"/.exec(page)?.[1];
    if (prompt === undefined || action === undefined) throw new Error(`the provider shows no form: ${page}`);
    url = new URL(action, url).href;
    response = await fetchThere(url, new URLSearchParams({ prompt, login, password: 'any' }));
  }
  throw new Error(`the provider never sent ${login} back`);
}

interface Return {
  readonly callback: string;
  /** Of the sign-in on its way. */
  readonly cookie: string;
}

async function goAndReturn(login: string, to = '/console/nodes?cluster=web', session = ''): Promise<Return> {
  const begun = await get(`/v1/session/oidc?to=${encodeURIComponent(to)}`, session);
  expect(begun.status).toBe(302);
  expect(begun.headers['set-cookie']?.[0]).toMatch(/^__Host-lockstep-oidc=.*; Secure; HttpOnly; SameSite=Lax$/);
  const there = new URL(String(begun.headers.location));
  expect(Object.fromEntries(there.searchParams)).toMatchObject({
    code_challenge_method: 'S256',
    redirect_uri: redirectUri,
  });
  const back = new URL(await signInThere(login, there.href));
  return { callback: `${back.pathname}${back.search}`, cookie: cookiesIn(begun.headers['set-cookie'] ?? []) };
}

const endOf = ({ status, headers }: Answer): unknown => [status, headers.location];

test('a provider that is away keeps nobody from signing in with a token, and is asked again', async () => {
  expect((await get('/v1/session/ways')).json).toEqual({
    token: true,
    provider: { label: 'Example', path: '/v1/session/oidc' },
  });
  expect(endOf(await get('/v1/session/oidc'))).toEqual([302, '/console/?sign-in-problem=identity-provider-away']);
  peer.start();
  await eventually(
    'the provider answers',
    () => (readFileSync(peer.logFile, 'utf8').includes('ready') ? true : undefined),
    {
      withinMs: 60_000,
    },
  );
  expect((await get('/v1/session/oidc')).headers.location).toContain(`${issuer}/auth?`);
});

test('whom the provider vouches for has the rights of the groups that it names, and a session like any other', async () => {
  const { callback, cookie } = await goAndReturn('alice');
  const back = await get(callback, cookie);
  expect(endOf(back)).toEqual([302, '/console/nodes?cluster=web']);
  const session = cookiesIn((back.headers['set-cookie'] ?? []).filter((line) => line.startsWith('__Host-lockstep=')));
  const { json } = await get('/v1/session', session);
  expect(json).toMatchObject({
    identity: {
      name: 'alice@example.org',
      kind: 'person',
      roles: ['ROLE_OPERATOR'],
      everywhere: false,
      clusters: ['web'],
    },
    may: { 'roll-out': true, grant: { reason: expect.stringContaining('person:alice@example.org may not grant') } },
  });
  const { session: name } = json['identity'] as { session: string };
  const run = (...args: string[]) => runLockstep(plane.stateDir, args);
  expect((await run('audit', 'ls')).stdout).toMatch(/person:alice@example\.org.*Access\/BeginSession/);
  // Once: a code is redeemed by the first who brings it.
  expect(endOf(await get(callback, cookie))).toEqual([302, '/console/?sign-in-problem=sign-in-failed']);
  expect((await run('token', 'revoke', name)).code).toBe(0);
  expect((await get('/v1/session', session)).json['reason']).toBe('session-ended');
});

test('who is in no group that may anything, and whose address nobody has checked, gets no session', async () => {
  for (const [login, problem] of [
    ['bob', 'sign-in-without-rights'],
    ['mallory', 'sign-in-unverified'],
  ] as const) {
    const { callback, cookie } = await goAndReturn(login);
    const back = await get(callback, cookie);
    expect(endOf(back)).toEqual([302, `/console/?sign-in-problem=${problem}`]);
    expect(back.headers['set-cookie']?.filter((line) => line.startsWith('__Host-lockstep='))).toEqual([]);
  }
});

test('whoever signs in anew ends the session that the browser had', async () => {
  const signIn = async (before: string): Promise<string> => {
    const { callback, cookie } = await goAndReturn('alice', undefined, before);
    // The browser comes back from another site, and shows only what is Lax.
    const back = await get(callback, cookie);
    return cookiesIn((back.headers['set-cookie'] ?? []).filter((line) => line.startsWith('__Host-lockstep=')));
  };
  const first = await signIn('');
  expect((await get('/v1/session', first)).status).toBe(200);
  const second = await signIn(first);
  expect((await get('/v1/session', first)).json['reason']).toBe('session-ended');
  expect((await get('/v1/session', second)).status).toBe(200);
  expect((await runLockstep(plane.stateDir, ['audit', 'ls'])).stdout).toMatch(
    /person:alice@example\.org.*Access\/EndSession/,
  );
});

test("another browser's sign-in is not taken over: what came back belongs to the one that went", async () => {
  const own = await goAndReturn('alice');
  const other = await goAndReturn('alice');
  expect(endOf(await get(own.callback))).toEqual([302, '/console/?sign-in-problem=sign-in-unknown']);
  expect(endOf(await get(own.callback, other.cookie))).toEqual([302, '/console/?sign-in-problem=sign-in-failed']);
  const forged = own.callback.replace(/code=[^&]+/, 'code=made-up');
  expect(endOf(await get(forged, own.cookie))).toEqual([302, '/console/?sign-in-problem=sign-in-failed']);
});

test('nobody is sent out of the console', async () => {
  const { callback, cookie } = await goAndReturn('alice', 'https://evil.example/');
  expect(endOf(await get(callback, cookie))).toEqual([302, '/console/']);
});
