// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Reconciler } from './reconciler';

test('one at a time for a key, and the last run began after the last asking', async () => {
  const delays = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(delays, async (pauses) => {
      let truth = 0;
      let seen = 0;
      let running = 0;
      const reconciler = new Reconciler(async () => {
        running += 1;
        expect(running).toBe(1);
        const read = truth;
        await sleep(1);
        seen = read;
        running -= 1;
      });
      const requests: Promise<void>[] = [];
      for (const pause of pauses) {
        truth += 1;
        requests.push(reconciler.request('key'));
        if (pause > 0) await sleep(pause);
      }
      await reconciler.idle();
      await Promise.all(requests);
      expect(seen).toBe(truth);
    }),
    { numRuns: 25 },
  );
});

test('keys do not wait for one another, and a failure is its own caller’s', async () => {
  const reconciler = new Reconciler(async (key) => {
    if (key === 'slow') await sleep(50);
    if (key === 'bad') throw new Error('bad');
  });
  const slow = reconciler.request('slow');
  await reconciler.request('quick');
  await expect(reconciler.request('bad')).rejects.toThrow('bad');
  await expect(reconciler.request('bad')).rejects.toThrow('bad');
  await slow;
});
