// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ChangeNotifier } from './change-notifier';

const topic = 'build:1';

test('a watcher sees what is there, then every change, then the end', async () => {
  const changes = new ChangeNotifier();
  let value = 0;
  const seen: number[] = [];
  const read = async (): Promise<number> => value;
  for await (const now of changes.watch(topic, read, (at) => at === 3, new AbortController().signal)) {
    seen.push(now);
    value += 1;
    changes.notify(topic);
    changes.notify('build:2');
  }
  expect(seen).toEqual([0, 1, 2, 3]);
});

test('a change while it reads is not missed', async () => {
  const changes = new ChangeNotifier();
  let value = 'old';
  const read = async (): Promise<string> => {
    const read = value;
    await sleep(5);
    if (value === 'old') {
      value = 'new';
      changes.notify(topic);
    }
    return read;
  };
  const seen: string[] = [];
  const startedAt = Date.now();
  for await (const now of changes.watch(topic, read, (at) => at === 'new', new AbortController().signal))
    seen.push(now);
  expect(seen).toEqual(['old', 'new']);
  // Without waiting for the next reading, which comes after five seconds.
  expect(Date.now() - startedAt).toBeLessThan(4_500);
});

test('a watcher that leaves is let go at once', async () => {
  const changes = new ChangeNotifier();
  const abort = new AbortController();
  const watching = (async () => {
    const seen: number[] = [];
    for await (const now of changes.watch(
      topic,
      async () => 1,
      () => false,
      abort.signal,
    ))
      seen.push(now);
    return seen;
  })();
  await sleep(20);
  abort.abort();
  expect(await watching).toEqual([1]);
});
