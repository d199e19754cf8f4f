// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RateLimit } from './rate-limit';

const anyRate = fc.record({
  perSecond: fc.constantFrom(1, 4, 10),
  burst: fc.integer({ min: 1, max: 20 }),
});

test('in no span of time more is done than the burst and the rate together, whoever asks how often', () => {
  fc.assert(
    fc.property(anyRate, fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 80 }), (rate, pausesMs) => {
      let now = 1_000;
      const limit = new RateLimit(rate, () => now);
      const takenAt: number[] = [];
      for (const pauseMs of pausesMs) {
        now += pauseMs;
        if (limit.take('n1') === 0) takenAt.push(now);
      }
      for (const [first, from] of takenAt.entries())
        for (const [last, until] of takenAt.entries()) {
          const most = rate.burst + ((until - from) / 1_000) * rate.perSecond;
          if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(most + 1e-6);
        }
    }),
  );
});

test('who is told to wait has one when that time is over, and who asks in vain loses nothing by it', () => {
  fc.assert(
    fc.property(anyRate, fc.integer({ min: 1, max: 30 }), (rate, tries) => {
      let now = 1_000;
      const limit = new RateLimit(rate, () => now);
      for (let taken = 0; taken < rate.burst; taken += 1) expect(limit.take('n1')).toBe(0);
      const waitMs = limit.take('n1');
      expect(waitMs).toBeGreaterThan(0);
      for (let each = 0; each < tries; each += 1) expect(limit.take('n1')).toBe(waitMs);
      // Another one has its own.
      expect(limit.take('n2')).toBe(0);
      now += waitMs;
      expect(limit.take('n1')).toBe(0);
    }),
  );
});
