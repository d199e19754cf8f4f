// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { operatorPaths } from '@lockstep/contracts/wire';
import { eventually } from '../tests/eventually';
import { sendEvents } from './event-stream';

let server: Server;
let goAway: AbortController;
afterEach(() => {
  goAway.abort();
  server.closeAllConnections();
  server.close();
});

/** What somebody gets who watches `messages`; the answer's error where nothing was sent before it. */
async function watch(messages: AsyncIterable<unknown>): Promise<{ answer?: IncomingMessage; failure?: unknown }> {
  let fail: (failure: unknown) => void = () => undefined;
  const failed = new Promise<{ failure: unknown }>((resolve) => {
    fail = (failure) => {
      resolve({ failure });
    };
  });
  goAway = new AbortController();
  const source = { messages, lastEventId: undefined, signal: goAway.signal, log: () => undefined };
  server = createServer((_, response) => {
    sendEvents(response, { ...source, place: operatorPaths.watchEvents }).catch(fail);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`).on('error', () => undefined);
  const answered = once(asked, 'response').then(([answer]) => ({ answer: answer as IncomingMessage }));
  return Promise.race([answered, failed]);
}

test('a watch on which nothing happens is answered all the same: a browser takes it for begun', async () => {
  const { answer } = await watch(
    (async function* () {
      await once(goAway.signal, 'abort');
      throw new Error('gone');
      yield {};
    })(),
  );
  expect([answer?.statusCode, answer?.headers['content-type']]).toEqual([200, 'text/event-stream']);
});

test('what is refused before anything happened is an answer of its own', async () => {
  const { failure } = await watch(
    (async function* () {
      await sleep(10);
      throw new Error('refused');
      yield {};
    })(),
  );
  expect(failure).toEqual(new Error('refused'));
});

test('a watcher who goes while its reader is behind leaves nothing open, however much had come meanwhile', async () => {
  let told = 0;
  let isOver = false;
  const { answer } = await watch(
    (async function* () {
      try {
        for (; told < 100_000; told += 1) yield { seq: told, text: 'x'.repeat(10_000) };
      } finally {
        isOver = true;
      }
    })(),
  );
  // Nobody reads; what waits is as much as may wait.
  answer?.pause();
  await sleep(1_500);
  expect(told).toBeLessThan(100_000);
  answer?.destroy();
  goAway.abort();
  await eventually(() => {
    expect(isOver).toBe(true);
  });
});
