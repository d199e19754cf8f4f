// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { parseLabels } from '@lockstep/domain/labels';
import fc from 'fast-check';
import { explainClosed, Gates, type Gate, type Schedule } from './gate';
import { parseFreezeTimes, type Freeze } from './freeze';
import { openingFrom, parseTimes, weekdays, type LoadWindow } from './load-window';
import { wallTime } from './zone-time';

const hourMs = 3_600_000;
const at = (text: string): number => Date.parse(`${text}Z`);

const windowOf = (
  name: string,
  selector: string,
  zone: string,
  days: string,
  start: string,
  hours: number,
  cutoff = 0,
) => ({
  ...{ name, selector },
  ...parseTimes({ zone, days: days.split(','), start, lengthMs: hours * hourMs, cutoffMs: cutoff * hourMs }),
});
const freezeOf = (name: string, from: string, until: string, selector = ''): Freeze => ({
  ...{ name, selector, reason: '' },
  ...{ fromMs: at(from), untilMs: at(until) },
});

const gate = (schedule: Partial<Schedule>, now: string, labels = ''): Gate =>
  new Gates({ windows: [], freezes: [], ...schedule }, at(now)).of(parseLabels(labels));

const night = windowOf('night', '', 'Europe/Berlin', 'sat,sun', '02:00', 4, 1);

describe('whether a load may begin', () => {
  test.each([
    ['before it opens', '2026-11-28T00:59', { kind: 'window', name: 'night', opensAtMs: at('2026-11-28T01:00') }],
    ['as it opens', '2026-11-28T01:00', { kind: 'open', untilMs: at('2026-11-28T04:00') }],
    ['just before the cutoff', '2026-11-28T03:59:59.999', { kind: 'open' }],
    ['at the cutoff', '2026-11-28T04:00', { kind: 'window', opensAtMs: at('2026-11-29T01:00') }],
    ['on a day that is none of its', '2026-11-30T02:00', { kind: 'window', opensAtMs: at('2026-12-05T01:00') }],
  ])('%s', (_, now, expected) => {
    expect(gate({ windows: [night] }, now)).toMatchObject(expected);
  });

  test('its length is in exact hours: over a change of clocks it ends at another time on the wall', () => {
    const spring = gate({ windows: [windowOf('n', '', 'Europe/Berlin', 'sun', '01:00', 4)] }, '2026-03-29T00:00');
    expect(spring).toEqual({ kind: 'open', untilMs: at('2026-03-29T04:00') });
    const gap = gate({ windows: [windowOf('n', '', 'Europe/Berlin', 'sun', '02:30', 2)] }, '2026-03-29T00:59');
    expect(gap).toMatchObject({ opensAtMs: at('2026-03-29T01:00') });
    // 02:30 comes twice that night: the second time it is open already, and it does not begin anew.
    const twice = windowOf('n', '', 'Europe/Berlin', 'sun', '02:30', 2);
    expect(openingFrom(twice, at('2026-10-25T00:30'))).toEqual({
      fromMs: at('2026-10-25T00:30'),
      untilMs: at('2026-10-25T02:30'),
    });
    expect(openingFrom(twice, at('2026-10-25T02:30')).fromMs).toBe(at('2026-11-01T01:30'));
  });

  test('windows by labels take the place of those of the whole cluster; of several any will do', () => {
    const db = windowOf('db', 'tier=db', 'UTC', 'mon', '10:00', 1);
    const dbToo = windowOf('db-too', 'tier=db', 'UTC', 'mon', '12:00', 1);
    const windows = [night, db, dbToo];
    expect(gate({ windows }, '2026-11-28T01:00', 'tier=web')).toMatchObject({ kind: 'open' });
    expect(gate({ windows }, '2026-11-28T01:00', 'tier=db')).toMatchObject({ kind: 'window', name: 'db' });
    expect(gate({ windows }, '2026-11-30T12:30', 'tier=db')).toMatchObject({ kind: 'open' });
    expect(gate({ windows: [db] }, '2026-11-28T01:00', 'tier=web')).toEqual({ kind: 'open', untilMs: null });
  });

  test('freezes beat windows, and what is said is when both allow it', () => {
    const freezes = [freezeOf('fair', '2026-11-28T02:00', '2026-11-29T02:00')];
    const schedule = { windows: [night], freezes };
    expect(gate(schedule, '2026-11-28T01:30')).toEqual({ kind: 'open', untilMs: at('2026-11-28T02:00') });
    const closed = gate(schedule, '2026-11-28T02:30');
    expect(closed).toMatchObject({ kind: 'freeze', name: 'fair', opensAtMs: at('2026-11-29T02:00') });
    expect(closed.kind === 'open' ? '' : explainClosed(closed)).toBe(
      'freeze "fair" is on; loads may begin Sun 2026-11-29 03:00 in Europe/Berlin',
    );
    const why = gate({ freezes: freezes.map((each) => ({ ...each, reason: 'too many guests' })) }, '2026-11-28T02:30');
    expect(why.kind === 'open' ? '' : explainClosed(why)).toMatch(/^freeze "fair" is on \(too many guests\); loads/);
    expect(
      gate({ freezes: [freezeOf('db', '2026-11-28T00:00', '2026-11-29T00:00', 'tier=db')] }, '2026-11-28T01:00'),
    ).toMatchObject({ kind: 'open' });
  });

  const anyWindow = fc
    .record({
      zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe'),
      days: fc.subarray([...weekdays], { minLength: 1 }),
      minute: fc.integer({ min: 0, max: 1_439 }),
      length: fc.integer({ min: 1, max: 7 * 24 * 60 }),
      share: fc.integer({ min: 0, max: 99 }),
    })
    .map(({ zone, days, minute, length, share }): LoadWindow => {
      const start = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
      const lengthMs = length * 60_000;
      const cutoffMs = Math.floor((lengthMs * share) / 100);
      return { name: `w${minute}`, selector: '', ...parseTimes({ zone, days, start, lengthMs, cutoffMs }) };
    });
  const anyFreeze = fc
    .tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 200 }))
    .map(([from, hours]): Freeze => {
      const fromMs = at('2026-03-20T00:00') + from * hourMs;
      return { name: `f${from}`, selector: '', reason: '', fromMs, untilMs: fromMs + hours * hourMs };
    });

  test('it is open exactly in some window and no freeze, whatever they are; and opens when it says so', () => {
    const anyMinute = fc
      .integer({ min: 0, max: 14 * 24 * 60 })
      .map((minute) => at('2026-03-20T00:00') + minute * 60_000);
    /** Told from the walls: no moment is looked for. */
    const isIn = ({ zone, days, startMinute, lengthMs, cutoffMs }: LoadWindow, nowMs: number): boolean => {
      for (let back = 0; back < lengthMs - cutoffMs; back += 60_000) {
        const [before, wall] = [wallTime(zone, nowMs - back - 60_000), wallTime(zone, nowMs - back)];
        for (let each = before + 60_000; each <= wall; each += 60_000) {
          const day = weekdays[new Date(each).getUTCDay()]!;
          if (days.includes(day) && (each / 60_000) % 1_440 === startMinute) return true;
        }
      }
      return false;
    };
    fc.assert(
      fc.property(
        fc.array(
          anyWindow.filter(({ lengthMs }) => lengthMs < 12 * hourMs),
          { minLength: 1, maxLength: 3 },
        ),
        fc.array(anyFreeze, { maxLength: 2 }),
        anyMinute,
        (windows, freezes, nowMs) => {
          const schedule = { windows, freezes };
          const isFrozen = freezes.some((each) => each.fromMs <= nowMs && nowMs < each.untilMs);
          const now = new Gates(schedule, nowMs).of();
          expect(now.kind === 'open').toBe(!isFrozen && windows.some((each) => isIn(each, nowMs)));
          if (now.kind === 'open') return;
          expect(new Gates(schedule, now.opensAtMs).of().kind).toBe('open');
          expect(new Gates(schedule, now.opensAtMs - 1).of().kind).not.toBe('open');
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('a window that never opens is refused, and a freeze that freezes nothing', () => {
  const times = { zone: 'UTC', days: ['sat'], start: '02:00', lengthMs: hourMs, cutoffMs: 0 };
  expect(parseTimes(times)).toMatchObject({ startMinute: 120, days: ['sat'] });
  for (const bad of [
    { days: [] },
    { days: ['someday'] },
    { cutoffMs: hourMs },
    { cutoffMs: 2 * hourMs },
    { lengthMs: 0 },
    { lengthMs: 8 * 24 * hourMs },
    { start: '24:00' },
    { start: '2:00' },
  ]) {
    expect(() => parseTimes({ ...times, ...bad })).toThrow(expect.objectContaining({ reason: 'invalid-window' }));
  }
  expect(() => parseFreezeTimes(5, 5, 0)).toThrow('ends after it begins');
  expect(() => parseFreezeTimes(1, 5, 6)).toThrow('is over');
  expect(() => parseFreezeTimes(NaN, 5, 0)).toThrow('a beginning and an end');
});
