// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Turns } from './turns';

function turnsAt(clock: { nowMs: number }): Turns<string> {
  return new Turns<string>(5_000, () => clock.nowMs);
}

function takeAll(turns: Turns<string>): string[] {
  const taken: string[] = [];
  for (let item = turns.next(); item !== undefined; item = turns.next()) taken.push(item);
  return taken;
}

test('each address in its turn, and of one address who came first', () => {
  const turns = turnsAt({ nowMs: 0 });
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) turns.add(item[0] ?? '', item);
  expect(turns.size).toBe(6);
  expect(takeAll(turns)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
  expect(turns.size).toBe(0);
});

test('whoever comes a thousand times keeps nobody waiting but itself', () => {
  const turns = turnsAt({ nowMs: 0 });
  for (let index = 0; index < 1_000; index += 1) turns.add('flood', `flood ${index}`);
  turns.add('other', 'other');
  expect([turns.next(), turns.next()]).toEqual(['flood 0', 'other']);
});

test('who may have gone meanwhile comes after who is surely there, the latest first, and nobody is left out', () => {
  const clock = { nowMs: 0 };
  const turns = turnsAt(clock);
  for (const [at, item] of ['old', 'older', 'late'].entries()) {
    clock.nowMs = at;
    turns.add(item, item);
  }
  clock.nowMs = 6_000;
  turns.add('new', 'new');
  turns.add('newer', 'newer');
  expect(turns.size).toBe(5);
  expect(takeAll(turns)).toEqual(['new', 'newer', 'late', 'older', 'old']);
});

/** As many as can begin in a second, clients that give up after so long and come again after as long a pause. */
function servedOf({ clients, perSecond, patienceMs }: Record<'clients' | 'perSecond' | 'patienceMs', number>): number {
  const clock = { nowMs: 0 };
  const turns = new Turns<number>(5_000, () => clock.nowMs);
  const comesAtMs = Array.from({ length: clients }, (_, index) => index);
  const waitsSinceMs = new Map<number, number>();
  let served = 0;
  for (; clock.nowMs < 120_000 && served < clients; clock.nowMs += 1_000) {
    for (const [client, atMs] of comesAtMs.entries()) {
      const sinceMs = waitsSinceMs.get(client);
      if (sinceMs !== undefined && clock.nowMs - sinceMs > patienceMs) {
        waitsSinceMs.delete(client);
        comesAtMs[client] = clock.nowMs + patienceMs;
      } else if (sinceMs === undefined && atMs <= clock.nowMs) {
        waitsSinceMs.set(client, clock.nowMs);
        turns.add(String(client), client);
      }
    }
    for (let begun = 0; begun < perSecond; begun += 1) {
      const client = turns.next();
      if (client === undefined) break;
      if (!waitsSinceMs.has(client)) continue;
      waitsSinceMs.delete(client);
      comesAtMs[client] = Infinity;
      served += 1;
    }
  }
  return clock.nowMs <= 120_000 ? served : 0;
}

test.each([10_000, 60_000])(
  'a fleet that waits for %i ms is served though the queue is longer than that',
  (patienceMs) => {
    expect(servedOf({ clients: 4_000, perSecond: 100, patienceMs })).toBe(4_000);
  },
);

test('all who wait can be told to go', () => {
  const clock = { nowMs: 0 };
  const turns = turnsAt(clock);
  turns.add('a', 'a1');
  clock.nowMs = 6_000;
  turns.add('b', 'b1');
  turns.add('b', 'b2');
  turns.next();
  expect(turns.clear().sort()).toEqual(['a1', 'b2']);
  expect([turns.size, turns.next()]).toEqual([0, undefined]);
});
