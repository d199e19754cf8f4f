// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { Delivery, DeliveryResult } from '@lockstep/io/job-queue';
import { pino } from 'pino';
import { ChangeNotifier } from '../change-notifier';
import { soleReplica } from '../replicas/replica';
import { WebhookSender } from './webhook-sender';

test('what waits for an endpoint that is busy asks the database for nothing', async () => {
  let reads = 0;
  let answer: (row: null) => void = () => undefined;
  const found = new Promise<null>((resolve) => (answer = resolve));
  const find = () => {
    reads += 1;
    return found;
  };
  let deliver: (delivery: Delivery) => Promise<DeliveryResult> = () => Promise.resolve('ended');
  const sender = new WebhookSender({
    db: { events: { find }, webhooks: { find, list: async () => [] } } as never,
    changes: new ChangeNotifier(),
    replica: soleReplica(),
    openQueue: async (given) => {
      deliver = given;
      return { add: async () => undefined, isWaiting: async () => true, close: async () => undefined };
    },
    mayBeLocal: true,
    log: pino({ level: 'silent' }),
  });
  await sender.start();
  const results = Array.from({ length: 20 }, (_, event) => deliver({ webhook: 'pager', event }));
  expect(reads).toBe(4);
  answer(null);
  const said = await Promise.all(results);
  expect([said.filter((each) => typeof each === 'object').length, reads]).toEqual([16, 8]);
  expect(await deliver({ webhook: 'pager', event: 1 })).toBe('ended');
  await sender.stop();
});

test('whoever leads before the queue is open passes over nothing', async () => {
  const queued: number[] = [];
  let afterSeq = 0;
  const sender = new WebhookSender({
    db: {
      events: { after: async (from: number) => [{ seq: 7, type: 'node.failed' }].filter(({ seq }) => seq > from) },
      webhooks: {
        list: async () => [{ name: 'pager', types: [], afterSeq }],
        advance: async (_: string, seq: number) => (afterSeq = seq),
      },
    } as never,
    changes: new ChangeNotifier(),
    replica: soleReplica(),
    openQueue: async () => ({
      add: async (deliveries) => {
        queued.push(...deliveries.map(({ event }) => event));
      },
      isWaiting: async () => true,
      close: async () => undefined,
    }),
    mayBeLocal: true,
    log: pino({ level: 'silent' }),
  });
  sender.request();
  await new Promise((resolve) => setTimeout(resolve, 20));
  await sender.start();
  while (queued.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await sender.stop();
  expect(queued).toEqual([7]);
});

test('for an endpoint that takes nothing so many events wait in the queue, and the rest in their log until it does', async () => {
  const all = Array.from({ length: 5_000 }, (_, seq) => ({ seq: seq + 1, type: 'node.failed' }));
  const ended = new Set<number>();
  const webhook = { name: 'pager', types: [], afterSeq: 0, triedAt: new Date(2), takenAt: new Date(1) };
  const queued: number[] = [];
  const sender = new WebhookSender({
    db: {
      events: { after: async (from: number, limit: number) => all.slice(from, from + limit) },
      webhooks: {
        list: async () => [{ ...webhook }],
        advance: async (_: string, seq: number) => (webhook.afterSeq = seq),
      },
    } as never,
    changes: new ChangeNotifier(),
    replica: soleReplica(),
    openQueue: async () => ({
      add: async (deliveries) => {
        queued.push(...deliveries.map(({ event }) => event));
      },
      isWaiting: async ({ event }) => !ended.has(event),
      close: async () => undefined,
    }),
    mayBeLocal: true,
    log: pino({ level: 'silent' }),
  });
  const look = async (until: number) => {
    sender.request();
    while (queued.length < until) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await sender.start();
  await look(1_000);
  // Given up, or taken at last: others take their places.
  for (const event of queued.slice(0, 300)) ended.add(event);
  await look(1_500);
  expect([queued.length, webhook.afterSeq]).toEqual([1_500, 1_500]);
  webhook.takenAt = new Date(3);
  await look(5_000);
  expect(queued).toEqual(all.map(({ seq }) => seq));
  await sender.stop();
});
