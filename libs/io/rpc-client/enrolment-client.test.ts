// SPDX-License-Identifier: GPL-2.0-only
import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { formatJoinToken } from '@lockstep/contracts/wire';
import { enrol } from './enrolment-client';

const joinToken = formatJoinToken({ secret: 's'.repeat(43), caPinSha256: 'ab'.repeat(32) });
const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;

test('tries that fail leave nothing behind with whoever goes on trying', async () => {
  const abort = new AbortController();
  const call = { address: '127.0.0.1:1', joinToken, certificateRequest: '', signal: abort.signal };
  for (let tries = 0; tries < 3; tries += 1) {
    await expect(enrol(call)).rejects.toMatchObject({ kind: 'unavailable', reason: 'server-unreachable' });
  }
  expect(listeners(abort)).toBe(0);
});

test('called off, it ends at once and says so', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const abort = new AbortController();
  const enrolling = enrol({ address, joinToken, certificateRequest: '', signal: abort.signal });
  await once(silent, 'connection');
  abort.abort();
  await expect(enrolling).rejects.toMatchObject({ kind: 'cancelled' });
  await expect(enrol({ address, joinToken, certificateRequest: '', signal: abort.signal })).rejects.toMatchObject({
    kind: 'cancelled',
  });
  for (const socket of sockets) socket.destroy();
  silent.close();
});
