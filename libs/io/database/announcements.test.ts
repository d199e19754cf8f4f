// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Announcements } from './announcements';

/** A message of PostgreSQL's protocol. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const welcome = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
const refusal = Buffer.concat([
  message('E', Buffer.from('SERROR\0C57014\0Mcanceling statement due to statement timeout\0\0')),
  message('Z', Buffer.from('I')),
]);

test('a server that lets us in and refuses what we ask is not left with a connection of each try', async () => {
  const open = new Set<Socket>();
  let tries = 0;
  const server = createServer((socket) => {
    tries += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    socket.once('data', () => {
      socket.write(welcome);
      socket.on('data', (data) => {
        if (data[0] === 'Q'.charCodeAt(0)) socket.write(refusal);
        if (data[0] === 'X'.charCodeAt(0)) socket.end();
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://lockstep@127.0.0.1:${port}/lockstep`;
  const announcements = new Announcements({ url, onHeard: () => undefined, onGap: () => undefined });
  while (tries < 3) await sleep(5);
  // One that it ends is open here for a moment longer.
  const givenUpAtMs = performance.now() + 30_000;
  while (open.size > 1 && performance.now() < givenUpAtMs) await sleep(5);
  const left = open.size;
  await announcements.close();
  server.close();
  for (const socket of open) socket.destroy();
  expect(left).toBeLessThanOrEqual(1);
});
