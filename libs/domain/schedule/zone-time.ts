// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type Brand } from '@lockstep/domain/livepatch-model';

/** An IANA time zone that this process knows, as `Europe/Berlin`. */
export type ZoneName = Brand<string, 'ZoneName'>;

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;

/** Making one takes longer than hundreds of uses. */
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(zone: string): Intl.DateTimeFormat {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, calendar: 'gregory', ...numeric, ...time });
  clocks.set(zone, clock);
  return clock;
}

/** @throws LockstepError `invalid-input` `invalid-zone`. */
export function parseZone(text: string): ZoneName {
  // Offsets, as +01:00, are taken by some versions of Intl: they know no summer time.
  if (/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(text)) {
    try {
      clockOf(text);
      return text as ZoneName;
    } catch {
      // Not known here.
    }
  }
  const message = `"${text.slice(0, 64)}" is no time zone that is known here: use an IANA name, as Europe/Berlin or UTC.`;
  throw new LockstepError('invalid-input', 'invalid-zone', message, { zone: text.slice(0, 64) });
}

/** What clocks on the wall show, as the ms of the same words in UTC. */
export function wallTime(zone: ZoneName, atMs: number): number {
  const parts = new Map(
    clockOf(zone)
      .formatToParts(atMs)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const wholeSeconds = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return wholeSeconds + (((atMs % 1_000) + 1_000) % 1_000);
}

const offsetAt = (zone: ZoneName, atMs: number): number => wallTime(zone, atMs) - atMs;

/** When the offset changes, of two moments between which it does. */
function changeBetween(zone: ZoneName, beforeMs: number, afterMs: number): number {
  const offset = offsetAt(zone, beforeMs);
  let [low, high] = [beforeMs, afterMs];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === offset) low = middle;
    else high = middle;
  }
  return high;
}

/** Windows are asked for the same beginnings again and again, and each answer takes a tenth of a millisecond. */
const moments = new Map<string, number>();
const mostMoments = 10_000;

/**
 * The moment at which clocks on the wall show this. Of two such moments it is the first; where there is none, because
 * clocks were put forward over it, the first one after.
 * @param wallMs as the ms of the same words in UTC
 */
export function momentOf(zone: ZoneName, wallMs: number): number {
  const key = `${zone} ${wallMs}`;
  const known = moments.get(key);
  if (known !== undefined) return known;
  if (moments.size >= mostMoments) moments.clear();
  const moment = findMoment(zone, wallMs);
  moments.set(key, moment);
  return moment;
}

function findMoment(zone: ZoneName, wallMs: number): number {
  // No zone is further than 14 hours from UTC, nor changes twice within two days.
  const offsets = [offsetAt(zone, wallMs - dayMs), offsetAt(zone, wallMs + dayMs)];
  const [earliest, latest] = [wallMs - Math.max(...offsets), wallMs - Math.min(...offsets)];
  if (wallTime(zone, earliest) === wallMs) return earliest;
  if (wallTime(zone, latest) === wallMs) return latest;
  return changeBetween(zone, earliest, latest);
}

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

/** `Sun 2026-11-29 02:00 in Europe/Berlin`. */
export function showInZone(zone: ZoneName, atMs: number): string {
  const wall = new Date(wallTime(zone, atMs));
  return `${dayNames[wall.getUTCDay()] ?? ''} ${wall.toISOString().slice(0, 16).replace('T', ' ')} in ${zone}`;
}
