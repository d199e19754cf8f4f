// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { openCertificateAuthority, type CertificateAuthority } from '@lockstep/io/certificates';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { pino } from 'pino';
import { TlsFront, type FrontLimit, type FrontLimits, type Peer, type TlsFrontOptions } from './tls-front';

let folder: TemporaryFolder;
let authority: CertificateAuthority;
let front: TlsFront;
let taken: { connection: Duplex; peer: Peer }[];
let sockets: { destroy(): void }[];
let limited: FrontLimit[];

beforeEach(async () => {
  folder = await temporaryFolder('front');
  const dir = path.join(folder.path, 'pki');
  authority = await openCertificateAuthority({ dir, names: ['127.0.0.1'], mayMakeKeys: true });
  taken = [];
  limited = [];
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  front.close();
  jest.useRealTimers();
  await folder.remove();
});

const roomy: FrontLimits = {
  ...{
    mostConnections: 100,
    mostHandshakes: 100,
    mostUnderWay: 100,
    mostFromOneAddress: 100,
    mostOfOneCertificate: 100,
  },
};

function open(limits: Partial<FrontLimits> = {}, times: Partial<TlsFrontOptions> = {}): Promise<number> {
  const place = { host: '127.0.0.1', port: 0, variable: 'LOCKSTEP_AGENT_PORT', log: pino({ level: 'silent' }) };
  const options = { ...place, clientCa: authority.trustedPem, limits: { ...roomy, ...limits } };
  const take = (connection: Duplex, peer: Peer): void => {
    taken.push({ connection, peer });
  };
  const onLimited = (limit: FrontLimit): void => {
    limited.push(limit);
  };
  front = new TlsFront({ ...options, take, onLimited, ...times }, authority.server);
  return front.listen();
}

async function come(port: number, localAddress = '127.0.0.1', shown: object = {}): Promise<TLSSocket> {
  const from = { host: '127.0.0.1', port, localAddress, ...shown };
  const socket = connect({ ...from, ca: authority.trustedPem, ALPNProtocols: ['h2'] });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    for (const event of ['secureConnect', 'close']) socket.once(event, resolve);
  });
  return socket;
}

/** The same authority with a certificate of its own for another name, so that it is another one. */
async function otherCertificate(): Promise<CertificateAuthority['server']> {
  const dir = path.join(folder.path, 'pki');
  return (await openCertificateAuthority({ dir, names: ['127.0.0.1', 'other.example'], mayMakeKeys: false })).server;
}

test('a certificate that is made anew is shown to who comes from then on, and who is there stays', async () => {
  const port = await open();
  const before = await come(port);
  front.present(await otherCertificate());
  const after = await come(port);
  expect(before.getPeerCertificate().subjectaltname).toBe('IP Address:127.0.0.1');
  expect(after.getPeerCertificate().subjectaltname).toContain('other.example');
  expect(before.destroyed).toBe(false);
  // The client knows first that TLS stands.
  while (taken.length < 2) await sleep(5);
  expect(taken.map(({ peer }) => peer.certificate)).toEqual([undefined, undefined]);
});

test('who opens connections and says nothing takes no place from others but what one address may have', async () => {
  const port = await open({ mostFromOneAddress: 3 });
  const silent = [1, 2, 3].map(() => connectTcp(port, '127.0.0.1'));
  sockets.push(...silent);
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  const fourth = connectTcp(port, '127.0.0.1');
  sockets.push(fourth);
  fourth.on('error', () => undefined);
  await once(fourth, 'close');
  expect(limited).toEqual(['connections']);
  silent[0]?.destroy();
  // Its place is free as soon as the server has seen it go.
  let guest = await come(port);
  while (!guest.authorized) guest = await come(port);
  while (taken.length < 1) await sleep(5);
});

test('of connections with one certificate those above its share are told apart, and each that ends makes room', async () => {
  const port = await open({ mostOfOneCertificate: 2 });
  const { privateKeyPem: key, certificateChainPem: cert } = authority.server;
  const shown: boolean[] = [];
  const next = async (certificate: object): Promise<TLSSocket> => {
    const socket = await come(port, '127.0.0.1', certificate);
    while (taken.length === shown.length) await sleep(5);
    shown.push(taken.at(-1)!.peer.isOneTooMany);
    return socket;
  };
  const first = await next({ key, cert });
  const second = await next({ key, cert });
  await next({ key, cert });
  // Who shows none has none to have too many with.
  await next({});
  expect(shown).toEqual([false, false, true, false]);
  // Of three that are open two go.
  for (const [at, socket] of [first, second].entries()) {
    const gone = once(taken[at]!.connection, 'close');
    socket.destroy();
    await gone;
  }
  await next({ key, cert });
  expect(shown.at(-1)).toBe(false);
});

test('no more handshakes at once than it was told', async () => {
  const port = await open({ mostHandshakes: 1 });
  const slow = connectTcp(port, '127.0.0.1');
  sockets.push(slow);
  await once(slow, 'connect');
  const refused = await come(port);
  expect(refused.authorized).toBe(false);
  expect(limited).toEqual(['handshakes']);
  slow.destroy();
  let guest = await come(port);
  while (!guest.authorized) guest = await come(port);
  while (taken.length < 1) await sleep(5);
  // Its handshake is over.
  expect((await come(port)).authorized).toBe(true);
});

test('many that come at once all get in: nobody is refused while there is room to wait', async () => {
  const port = await open({ mostHandshakes: 200, mostConnections: 200 });
  const guests = await Promise.all(Array.from({ length: 60 }, (_, at) => come(port, `127.0.0.${2 + (at % 3)}`)));
  expect(guests.filter(({ authorized }) => !authorized)).toEqual([]);
  while (taken.length < 60) await sleep(5);
  expect(limited).toEqual([]);
});

test('who opens many connections and says nothing does not have others wait behind all of them', async () => {
  const port = await open({ mostHandshakes: 200 });
  const silent = Array.from({ length: 90 }, () => connectTcp(port, '127.0.0.1'));
  sockets.push(...silent);
  for (const socket of silent) socket.on('error', () => undefined);
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  expect((await come(port, '127.0.0.2')).authorized).toBe(true);
  expect(limited).toEqual([]);
});

test('no more handshakes begin than are due, until one of them is over', async () => {
  const port = await open({}, { mostDue: 1, dueWithinMs: 3_600_000 });
  const silent = connectTcp(port, '127.0.0.1');
  sockets.push(silent);
  await once(silent, 'connect');
  let hasCome = false;
  const guest = come(port, '127.0.0.2').then((socket) => {
    hasCome = true;
    return socket;
  });
  await sleep(200);
  expect(hasCome).toBe(false);
  silent.destroy();
  const first = await guest;
  while (taken.length < 1) await sleep(5);
  // It is over with its first call, also of somebody who is turned away by it.
  front.noteCall({ remoteAddress: '127.0.0.2', remotePort: first.localPort });
  expect((await come(port, '127.0.0.3')).authorized).toBe(true);
});

test('whoever begins handshakes and says nothing keeps nobody out: the one that takes longest goes', async () => {
  const port = await open({ mostUnderWay: 2 });
  const silent = [];
  for (let index = 0; index < 3; index += 1) {
    const socket = connectTcp({ host: '127.0.0.1', port });
    sockets.push(socket);
    await once(socket, 'connect');
    silent.push(socket);
    if (index === 0) continue;
    // They begin in the order in which they are there.
    await come(port);
    while (taken.length < index) await sleep(5);
  }
  const [first] = silent;
  if (first?.readableEnded === false && !first.destroyed) await once(first.resume(), 'close');
  const last = await come(port);
  while (taken.length < 3) await sleep(5);
  expect([last.authorized, limited[0]]).toEqual([true, 'handshakes']);
});

test('one address has at most half of the handshakes: whoever opens them and says nothing keeps no other one out', async () => {
  const port = await open({ mostHandshakes: 4 });
  const silent = [1, 2, 3, 4].map(() => connectTcp(port, '127.0.0.1'));
  sockets.push(...silent);
  for (const socket of silent) socket.on('error', () => undefined);
  await Promise.all(silent.slice(2).map((socket) => once(socket, 'close')));
  expect(silent.map(({ destroyed }) => destroyed)).toEqual([false, false, true, true]);
  expect((await come(port, '127.0.0.2')).authorized).toBe(true);
  // A place is free again once, whether its handshake was ended by its end or went on.
  for (const socket of silent) socket.destroy();
  let guest = await come(port);
  while (!guest.authorized) guest = await come(port);
  for (let comer = 0; comer < 3; comer += 1) expect((await come(port)).authorized).toBe(true);
});

test('a stranger that has made a call has its connection for a while after it, and then no more', async () => {
  const port = await open({}, { knownWithinMs: 300, strangerWithinMs: 900 });
  // On a busy machine three handshakes may take longer than that.
  const others = [
    'Date',
    'hrtime',
    'nextTick',
    'performance',
    'queueMicrotask',
    'setImmediate',
    'setInterval',
  ] as const;
  jest.useFakeTimers({ doNotFake: [...others] });
  const [silent, asking, known] = await Promise.all([come(port), come(port), come(port)]);
  while (taken.length < 3) await new Promise(setImmediate);
  front.noteStranger({ remoteAddress: '127.0.0.1', remotePort: asking.localPort });
  front.noteKnown({ remoteAddress: '127.0.0.1', remotePort: known.localPort });
  jest.advanceTimersByTime(300);
  await once(silent, 'close');
  expect([asking.destroyed, known.destroyed]).toEqual([false, false]);
  jest.advanceTimersByTime(599);
  await come(port);
  expect(asking.destroyed).toBe(false);
  jest.advanceTimersByTime(1);
  await once(asking, 'close');
  jest.advanceTimersByTime(60_000);
  await come(port);
  expect(known.destroyed).toBe(false);
});

test('strangers have at most half of a port: of the address that has most the one that was silent longest goes', async () => {
  const port = await open({ mostConnections: 8 });
  const other = await come(port, '127.0.0.2');
  const many: TLSSocket[] = [];
  for (let comer = 0; comer < 3; comer += 1) many.push(await come(port));
  while (taken.length < 4) await sleep(5);
  front.noteStranger({ remoteAddress: '127.0.0.1', remotePort: many[0]?.localPort });
  const more = await come(port, '127.0.0.3');
  await once(many[1]!, 'close');
  expect([other, many[0], many[2], more].map((socket) => socket?.destroyed)).toEqual([false, false, false, false]);
});
