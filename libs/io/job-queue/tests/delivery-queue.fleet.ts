// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { startRedis, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { openDeliveryQueue, type DeliveryResult, type QueueServer } from '../index';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('deliveries');
});
afterAll(() => folder.remove());

const open: Record<QueueServer['kind'], () => Promise<{ readonly url: string; stop(): Promise<void> }>> = {
  postgres: () => startPostgres(folder.path),
  redis: () => startRedis(folder.path),
};

test.each(['postgres', 'redis'] as const)(
  'on %s one that was taken waits no more, one that was not and one that had no place do',
  async (kind) => {
    const started = await open[kind]();
    const results: Record<string, DeliveryResult> = { dead: 'failed', well: 'ended', busy: { againAfterMs: 600_000 } };
    const tried = new Set<string>();
    const queue = await openDeliveryQueue({
      server: { kind, url: started.url },
      deliver: ({ webhook }) => {
        tried.add(webhook);
        return Promise.resolve(results[webhook] ?? 'ended');
      },
      firstRetryMs: 600_000,
      onError: () => undefined,
    });
    const names = Object.keys(results);
    const waiting = async (): Promise<string[]> => {
      const found = await Promise.all(names.map((webhook) => queue.isWaiting({ webhook, event: 7 })));
      return names.filter((_, index) => found[index]);
    };
    try {
      expect(await waiting()).toEqual([]);
      await queue.add(names.map((webhook) => ({ webhook, event: 7 })));
      while (tried.size < names.length || (await waiting()).length > 2) await sleep(20);
      expect(await waiting()).toEqual(['dead', 'busy']);
    } finally {
      await queue.close();
      await started.stop();
    }
  },
);
