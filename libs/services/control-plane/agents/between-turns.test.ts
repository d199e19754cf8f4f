// SPDX-License-Identifier: GPL-2.0-only
import { expect, jest, test } from '@jest/globals';
import { betweenTurns } from './between-turns';

function* busy(steps: number, eachMs: number): Generator<undefined, string, undefined> {
  for (let step = 0; step < steps; step += 1) {
    const untilMs = performance.now() + eachMs;
    while (performance.now() < untilMs);
    yield;
  }
  return 'done';
}

test('others have their turns while something takes many steps', async () => {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  expect(await betweenTurns(busy(20, 6))).toBe('done');
  clearInterval(timer);
  expect(turns).toBeGreaterThan(1);
});

test('what is done at once needs no other turn', async () => {
  let hadTurn = false;
  // The clock stands: a machine that stands still between two steps has not worked for so long.
  const clock = jest.spyOn(performance, 'now').mockReturnValue(0);
  setImmediate(() => {
    hadTurn = true;
  });
  expect(await betweenTurns(busy(3, 0))).toBe('done');
  clock.mockRestore();
  expect(hadTurn).toBe(false);
});

test('what a step throws is thrown', async () => {
  function* failing(): Generator<undefined, never, undefined> {
    yield;
    throw new Error('it broke');
  }
  await expect(betweenTurns(failing())).rejects.toThrow('it broke');
});
