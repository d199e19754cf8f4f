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

test('asked for at the very moment when it ends, it runs once more', async () => {
  // Whoever waits for the same thing as the work goes on a turn or two later: before anybody is told that it has ended.
  for (let turns = 0; turns < 6; turns += 1) {
    let truth = 0;
    let seen = 0;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const reconciler = new Reconciler(async () => {
      seen = truth;
      await finished;
    });
    const first = reconciler.request('key');
    const second = finished.then(async () => {
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      truth += 1;
      await reconciler.request('key');
      expect(seen).toBe(truth);
    });
    finish();
    await Promise.all([first, second]);
  }
});

test('what is asked for while a run fails is done all the same', async () => {
  let runs = 0;
  const reconciler = new Reconciler(async () => {
    runs += 1;
    await sleep(1);
    if (runs === 1) throw new Error('bad');
  });
  const first = reconciler.request('key');
  const second = reconciler.request('key');
  await Promise.allSettled([first, second]);
  await reconciler.idle();
  expect(runs).toBe(2);
});

test('runs of one key begin no closer than they may, and stopping waits for none of it', async () => {
  const begun: number[] = [];
  const reconciler = new Reconciler(async () => {
    begun.push(performance.now());
  }, 40);
  const startedAtMs = performance.now();
  for (let round = 0; round < 3; round += 1) await reconciler.request('key');
  // From the start: a run that had to wait for its processor is noted later than it began, and the next one comes sooner after that.
  for (const [round, at] of begun.entries()) expect(at - startedAtMs).toBeGreaterThan(round * 40 - 2);
  const last = reconciler.request('key');
  await reconciler.stop();
  await last;
  expect(begun).toHaveLength(3);
});
