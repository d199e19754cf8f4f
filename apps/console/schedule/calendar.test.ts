// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseZone } from '@lockstep/domain/schedule';
import { daysFrom, dayOrder, freezeOf, mayBegin, openings, placed, wallWords, windowOf } from './calendar';

const at = (text: string): number => Date.parse(`${text}Z`);
const hourMs = 3_600_000;
const berlin = parseZone('Europe/Berlin');
const tokyo = parseZone('Asia/Tokyo');
const night = windowOf({
  ...{ name: 'night', cluster: 'web', zone: 'Europe/Berlin', days: ['sat', 'sun'], start: '02:00' },
  ...{ lengthSeconds: 4 * 3_600, cutoffSeconds: 3_600 },
});

describe('the days that are shown', () => {
  test('are those of the zone: in another one it is tomorrow already', () => {
    const now = at('2026-11-28T22:30');
    expect(daysFrom(berlin, now, 2).map(({ name }) => name)).toEqual(['Sat 28', 'Sun 29']);
    expect(daysFrom(tokyo, now, 2).map(({ name }) => name)).toEqual(['Sun 29', 'Mon 30']);
  });

  test('have as many hours as clocks show, and no gap between them', () => {
    const days = daysFrom(berlin, at('2026-03-28T12:00'), 3);
    expect(days.map(({ fromMs, untilMs }) => (untilMs - fromMs) / hourMs)).toEqual([24, 23, 24]);
    expect(days.slice(1).map(({ fromMs }) => fromMs)).toEqual(days.slice(0, -1).map(({ untilMs }) => untilMs));
  });
});

describe('when a window is open', () => {
  const span = { fromMs: at('2026-11-28T00:00'), untilMs: at('2026-11-30T00:00') };

  test('is told by moments, which each zone has its own words for', () => {
    const [first, second, ...more] = openings(night, span);
    expect([first, second]).toEqual([
      { fromMs: at('2026-11-28T01:00'), untilMs: at('2026-11-28T04:00') },
      { fromMs: at('2026-11-29T01:00'), untilMs: at('2026-11-29T04:00') },
    ]);
    expect(more).toEqual([]);
    expect(wallWords(berlin, first!.fromMs)).toBe('Sat 28 02:00');
    expect(wallWords(tokyo, first!.fromMs)).toBe('Sat 28 10:00');
  });

  test('is cut to what is shown, where it is open longer than that', () => {
    const always = { ...night, days: ['sat'] as const, startMinute: 0, lengthMs: 7 * 24 * hourMs, cutoffMs: 0 };
    expect(openings(always, span)).toEqual([span]);
  });

  test('says when loads may begin once freezes are taken away', () => {
    const fair = freezeOf({ name: 'fair', from: '2026-11-28T03:00:00Z', until: '2026-11-29T02:00:00Z' });
    expect(mayBegin({ windows: [night], freezes: [fair] }, span)).toEqual([
      { fromMs: at('2026-11-28T01:00'), untilMs: at('2026-11-28T03:00') },
      { fromMs: at('2026-11-29T02:00'), untilMs: at('2026-11-29T04:00') },
    ]);
    expect(mayBegin({ windows: [], freezes: [] }, span)).toEqual([span]);
    const ofSome = { ...fair, selector: 'tier=db' };
    expect(mayBegin({ windows: [], freezes: [ofSome] }, span)).toEqual([span]);
  });
});

test('what is shown of a span is its share of the whole, and what lies outside is not', () => {
  const all = { fromMs: 100, untilMs: 200 };
  expect(placed({ fromMs: 0, untilMs: 125 }, all)).toEqual({ left: 0, width: 25 });
  expect(placed({ fromMs: 150, untilMs: 900 }, all)).toEqual({ left: 50, width: 50 });
  expect(placed({ fromMs: 0, untilMs: 100 }, all)).toBeUndefined();
});

test('weeks begin on Monday', () => {
  expect(dayOrder(['sun', 'wed', 'mon', 'toString'])).toEqual(['mon', 'wed', 'sun']);
});
