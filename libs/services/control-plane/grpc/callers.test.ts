// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { everywhere } from '@lockstep/domain/access';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { AccessServiceService } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { pino } from 'pino';
import type { Services } from '../services';
import type { Peer, TlsFront } from './tls-front';
import { letInKnown, type Identify } from './callers';

let server: Server;
let session: ClientHttp2Session;
let answered: number;
let isRevoked: boolean;
let limited: string[];
let peer: Peer;

const identify: Identify = () => {
  if (isRevoked) throw new LockstepError('unauthenticated', 'token-revoked', 'The access token was revoked.');
  const owner = { kind: 'person', name: 'mallory' } as const;
  return { kind: 'owner', owner, token: 't', tokenName: 'laptop', roles: ['viewer'], scope: everywhere };
};

beforeEach(async () => {
  [answered, isRevoked] = [0, false];
  limited = [];
  peer = { certificate: undefined, fault: undefined, isOneTooMany: false };
  const metrics = { noteLimited: (limit: string) => limited.push(limit) };
  const services = {
    log: pino({ level: 'silent' }),
    audit: { noteDenial: () => undefined },
    metrics,
  } as unknown as Services;
  const nothing = (): void => undefined;
  const front = { peerAt: () => peer, noteCall: nothing, noteKnown: nothing, noteStranger: nothing };
  server = new Server({ interceptors: [letInKnown(identify, () => front as unknown as TlsFront, services)] });
  server.addService(AccessServiceService, {
    whoAmI: (_: unknown, answer: (error: null, value: unknown) => void) => {
      answered += 1;
      answer(null, { rights: [] });
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  session = connect(`http://127.0.0.1:${port}`);
});
afterEach(() => {
  session.destroy();
  server.forceShutdown();
});

/** A call whose headers are there well before its request is. @returns gRPC's status. */
async function callInTwoParts(between: () => void): Promise<number> {
  const headers = { 'content-type': 'application/grpc', te: 'trailers' };
  const call = session.request({ ':method': 'POST', ':path': AccessServiceService.whoAmI.path, ...headers });
  let code: unknown;
  const note = (received: Record<string, unknown>): void => {
    code = received['grpc-status'] ?? code;
  };
  call.on('response', note).on('trailers', note).resume();
  const ended = once(call, 'close');
  await sleep(100);
  between();
  // An empty message, as gRPC frames it.
  call.end(Buffer.alloc(5));
  await ended;
  return Number(code);
}

test('a call that was begun with a token and asks once that is revoked is not done', async () => {
  expect(await callInTwoParts(() => undefined)).toBe(status.OK);
  const revoked = await callInTwoParts(() => {
    isRevoked = true;
  });
  expect([revoked, answered]).toEqual([status.UNAUTHENTICATED, 1]);
});

test('who has too many connections open has calls by one more refused, with a name', async () => {
  peer = { ...peer, isOneTooMany: true };
  expect(await callInTwoParts(() => undefined)).toBe(status.UNAVAILABLE);
  expect([answered, limited]).toEqual([0, ['connections-of-node']]);
});
