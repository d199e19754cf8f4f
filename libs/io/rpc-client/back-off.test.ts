// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agentBackOff, createBackOff } from './back-off';

test('in a window that the server names, anywhere, and no try is counted', () => {
  let draw = 0;
  const backOff = createBackOff({ firstMs: 100, maxMs: 1_000 }, () => draw);
  expect([backOff.nextMs(60_000), ((draw = 0.999), backOff.nextMs(60_000))]).toEqual([0, 59_940]);
  draw = 0;
  expect(backOff.nextMs()).toBe(50);
});

test('after what lasts the pauses go on growing, drawn from all of their time, until something else has failed', () => {
  const backOff = createBackOff(agentBackOff, () => 0.5);
  const lasting = Array.from({ length: 12 }, () => backOff.nextMs(undefined, true));
  expect(lasting.slice(0, 3)).toEqual([150, 300, 600]);
  expect(lasting.slice(-2)).toEqual([60_000, 60_000]);
  expect(backOff.nextMs()).toBe(11_250);
  backOff.reset();
  expect(backOff.nextMs(undefined, true)).toBe(150);
});

test('doubles up to the limit, drawn from the upper half, and starts over when told', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.integer({ min: 1000, max: 60_000 }),
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 40 }),
      (firstMs, maxMs, draws) => {
        let draw = 0;
        const backOff = createBackOff({ firstMs, maxMs }, () => draws[draw]!);
        for (draw = 0; draw < draws.length; draw += 1) {
          const ceilingMs = Math.min(maxMs, firstMs * 2 ** Math.min(draw, 30));
          const delayMs = backOff.nextMs();
          expect(delayMs).toBeGreaterThanOrEqual(Math.floor(ceilingMs / 2));
          expect(delayMs).toBeLessThanOrEqual(ceilingMs);
        }
        backOff.reset();
        draw = 0;
        expect(backOff.nextMs()).toBeLessThanOrEqual(firstMs);
      },
    ),
  );
});
