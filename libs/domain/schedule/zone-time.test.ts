// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { dayMs, minuteMs, momentOf, parseZone, showInZone, wallTime } from './zone-time';

const at = (text: string): number => Date.parse(`${text}Z`);

/**
 * With summer time, half hours, a change by half an hour, one that left out a whole day, changes at midnight, at a minute past
 * it, by two hours, and by the moon.
 */
const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia'],
  ...['America/St_Johns', 'Africa/Cairo', 'America/Santiago', 'Asia/Gaza', 'Africa/Casablanca', 'Antarctica/Troll'],
].map(parseZone);
const anyMoment = fc.integer({ min: at('2005-01-01T00:00'), max: at('2037-12-31T00:00') });

describe('a time on the wall', () => {
  test.each([
    ['there once', 'Europe/Berlin', '2026-07-01T02:30', '2026-07-01T00:30'],
    ['left out by one hour: the first moment after it', 'Europe/Berlin', '2026-03-29T02:30', '2026-03-29T01:00'],
    ['at the first moment of the gap', 'Europe/Berlin', '2026-03-29T02:00', '2026-03-29T01:00'],
    ['there twice: the first', 'Europe/Berlin', '2026-10-25T02:30', '2026-10-25T00:30'],
    ['left out by half an hour', 'Australia/Lord_Howe', '2026-10-04T02:10', '2026-10-03T15:30'],
    ['left out at midnight: on the day before for UTC', 'Africa/Cairo', '2026-04-24T00:30', '2026-04-23T22:00'],
    ['there twice around midnight: the first', 'America/Santiago', '2026-04-04T23:30', '2026-04-05T02:30'],
    ['left out where all is half an hour off', 'America/St_Johns', '2026-03-08T02:15', '2026-03-08T05:30'],
    ['there twice, a minute past midnight', 'America/St_Johns', '2010-11-06T23:30', '2010-11-07T02:00'],
    ['left out with its whole day', 'Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00'],
  ])('%s', (_, zone, wall, moment) => {
    expect(new Date(momentOf(parseZone(zone), at(wall))).toISOString()).toBe(`${moment}:00.000Z`);
  });

  test('no earlier moment shows it, nor anything later, and what shows it is found', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyMoment, (zone, anyMs) => {
        const wallMs = wallTime(zone, Math.floor(anyMs / minuteMs) * minuteMs);
        const moment = momentOf(zone, wallMs);
        expect(wallTime(zone, moment)).toBe(wallMs);
        expect(moment).toBeLessThanOrEqual(anyMs);
        // Before it clocks have shown less, always: back to where an hour that comes twice would lie.
        for (let earlier = moment - 1; earlier > moment - 3 * 3_600_000; earlier -= 30 * minuteMs) {
          expect(wallTime(zone, earlier)).toBeLessThan(wallMs);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('of one that clocks never show the moment is the first that shows more', () => {
    fc.assert(
      fc.property(fc.constantFrom(...zones), anyMoment, (zone, wallMs) => {
        const moment = momentOf(zone, wallMs);
        expect(wallTime(zone, moment)).toBeGreaterThanOrEqual(wallMs);
        expect(wallTime(zone, moment - 1)).toBeLessThan(wallMs);
        expect(Math.abs(moment - wallMs)).toBeLessThanOrEqual(dayMs);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('only zones with a name that is known are zones', () => {
  for (const bad of ['', 'Mars/Olympus', '+01:00', '../etc', 'Europe/', 'CEST or so']) {
    expect(() => parseZone(bad)).toThrow(expect.objectContaining({ reason: 'invalid-zone' }));
  }
  expect(showInZone(parseZone('Asia/Tokyo'), at('2026-11-28T17:00'))).toBe('Sun 2026-11-29 02:00 in Asia/Tokyo');
});
