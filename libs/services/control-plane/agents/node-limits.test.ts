// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { NodeLimits } from './node-limits';

const one = parseNodeName('n1');
const other = parseNodeName('n2');
const never = new AbortController().signal;

/** In a time that passes while somebody waits, and not otherwise. */
function limits() {
  const limited: string[] = [];
  let now = 0;
  const sleep = (ms: number): Promise<void> => {
    now += ms;
    return Promise.resolve();
  };
  const rate = { perSecond: 5, burst: 2 };
  const metrics = { noteLimited: (limit: string) => limited.push(limit) };
  const made = new NodeLimits({ reports: rate, calls: rate }, metrics, { nowMs: () => now, sleep });
  return { made, limited, now: () => now };
}

test('a node that calls too often is told so, and when to come; another one is not', () => {
  const { made, limited } = limits();
  made.admitCall(one);
  made.admitCall(one);
  expect(() => {
    made.admitCall(one);
  }).toThrow('Node n1 calls too often: 5 a second are taken. It may come again in a minute.');
  made.admitCall(other);
  expect(limited).toEqual(['calls-of-node']);
});

test('a node that reports without a pause waits for its turns, and nobody else; after a minute it is sent away', async () => {
  const { made, limited, now } = limits();
  let taken = 0;
  const floods = async (): Promise<never> => {
    for (;;) {
      await made.turnToReport(one, never);
      taken += 1;
      const before = now();
      if (taken % 10 === 0) await made.turnToReport(other, never);
      expect(now()).toBe(before);
    }
  };
  await expect(floods()).rejects.toMatchObject({
    ...{ kind: 'unavailable', reason: 'too-many-reports' },
    fields: { node: 'n1', perSecond: 5 },
  });
  // Two at once, then five a second.
  expect([taken, now()]).toEqual([303, 60_200]);
  expect(new Set(limited)).toEqual(new Set(['reports-of-node']));
});

test('a node that is gone waits no longer', async () => {
  const rate = { perSecond: 0.001, burst: 1 };
  const made = new NodeLimits({ reports: rate, calls: rate }, { noteLimited: () => undefined });
  const abort = new AbortController();
  await made.turnToReport(one, abort.signal);
  const held = made.turnToReport(one, abort.signal);
  abort.abort();
  await expect(held).rejects.toThrow();
});
