// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Hello } from '@lockstep/contracts/generated';
import { statusFromError } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { connectAgent } from './agent-client';
import { makePki, serveMethods } from './test-server';

const hello: Hello = {
  agentVersion: '0',
  entryVersions: [],
  labels: {},
  kernelBuildId: 'ab'.repeat(20),
  kernelRelease: '6.1',
  bootId: 'b',
  headSeq: 0,
  headHash: '0'.repeat(64),
  patchedCore: false,
};

type Connect = (call: ServerDuplexStream<unknown, unknown>) => void;

/** How a session ends whose messages are read only after `readAfterMs`. */
async function endOf(connect: Connect, readAfterMs: number, closeFirst = false): Promise<unknown> {
  const pki = await makePki();
  const server = await serveMethods(pki, { connect });
  const client = connectAgent({ ...pki, address: `127.0.0.1:${server.port}` });
  try {
    const session = client.openSession(hello);
    await sleep(readAfterMs);
    if (closeFirst) session.close();
    for await (const message of session.messages) expect(message).toBeUndefined();
    return 'ended';
  } catch (error) {
    return error;
  } finally {
    client.close();
    server.stop();
  }
}

const superseded = new LockstepError('forbidden', 'certificate-superseded', 'Enrolled again since.');
const refuse: Connect = (call) => {
  call.emit('error', statusFromError(superseded));
};

test.each([0, 1_000])('a session that is refused says why, also when it is read %d ms later', async (readAfterMs) => {
  expect(await endOf(refuse, readAfterMs)).toMatchObject({ kind: 'forbidden', reason: 'certificate-superseded' });
});

test('a session that the server ends just ends; one that is closed here is cancelled', async () => {
  const end: Connect = (call) => {
    call.end();
  };
  expect(await endOf(end, 500)).toBe('ended');
  expect(await endOf(() => undefined, 0, true)).toMatchObject({ kind: 'cancelled' });
});

test('a server that lets a connection wait is not asked by another one why', async () => {
  const pki = await makePki();
  const held: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    held.push(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = connectAgent({ ...pki, address: `127.0.0.1:${(server.address() as AddressInfo).port}` });
  try {
    await expect(client.ready(1_000)).rejects.toMatchObject({ reason: 'server-unreachable' });
    // Its place is kept for the next time that somebody wants it to be ready.
    await expect(client.ready(300)).rejects.toMatchObject({ reason: 'server-unreachable' });
    // Who stands still for so long hears of a connection later than it gives it up.
    while (held.length === 0) await sleep(5);
    expect(held).toHaveLength(1);
  } finally {
    client.close();
    for (const socket of held) socket.destroy();
    server.close();
  }
});
