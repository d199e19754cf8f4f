// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { dayMs, minuteMs, momentOf, parseZone, type ZoneName } from './zone-time';

/** As `Date` counts them. */
export const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Weekday = (typeof weekdays)[number];

/** When loads may begin. */
export interface LoadWindow {
  /** Of its cluster no two have the same. */
  readonly name: string;
  /** Of the nodes that it is for; empty: those of the cluster for which there is no other. */
  readonly selector: string;
  readonly zone: ZoneName;
  /** On which it begins, by the clocks of its zone. At least one. */
  readonly days: readonly Weekday[];
  /** When it begins, in minutes after midnight on the wall. */
  readonly startMinute: number;
  /** Exact: an hour is an hour, whatever clocks show meanwhile. */
  readonly lengthMs: number;
  /** So long before its end nothing begins any more. Less than its length. */
  readonly cutoffMs: number;
}

/** One time at which a window is open: [fromMs, untilMs), its cutoff not among it. */
export interface Opening {
  readonly fromMs: number;
  readonly untilMs: number;
}

const longestMs = 7 * dayMs;

const refuse = (message: string): LockstepError => new LockstepError('invalid-input', 'invalid-window', message);

/** `02:30`. @throws LockstepError `invalid-input` `invalid-window`. */
export function parseStart(text: string): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined) throw refuse(`"${text.slice(0, 20)}" is no time of day: write it as 02:30.`);
  return Number(hours) * 60 + Number(minutes);
}

export const showStart = (startMinute: number): string =>
  [Math.floor(startMinute / 60), startMinute % 60].map((part) => String(part).padStart(2, '0')).join(':');

function parseDays(texts: readonly string[]): Weekday[] {
  const unknown = texts.find((text) => !weekdays.some((day) => day === text));
  if (unknown !== undefined) throw refuse(`"${unknown.slice(0, 20)}" is no day: use ${weekdays.join(', ')}.`);
  if (texts.length === 0) throw refuse('A window that is on no day never opens: say on which, as sat,sun.');
  return weekdays.filter((day) => texts.includes(day));
}

/** What of a window is yet to be read. */
export interface WindowText {
  readonly zone: string;
  readonly days: readonly string[];
  readonly start: string;
  readonly lengthMs: number;
  readonly cutoffMs: number;
}

/** @throws LockstepError `invalid-input` `invalid-window`, `invalid-zone`: also for one that never opens. */
export function parseTimes(text: WindowText): Omit<LoadWindow, 'name' | 'selector'> {
  const { lengthMs, cutoffMs } = text;
  if (!Number.isSafeInteger(lengthMs) || lengthMs < minuteMs || lengthMs > longestMs) {
    throw refuse('A window is open for a minute to seven days.');
  }
  if (!Number.isSafeInteger(cutoffMs) || cutoffMs < 0 || cutoffMs >= lengthMs) {
    throw refuse('With a cutoff that is as long as the window it never opens: let the cutoff be shorter.');
  }
  const times = { zone: parseZone(text.zone), days: parseDays(text.days), startMinute: parseStart(text.start) };
  return { ...times, lengthMs, cutoffMs };
}

/** The first time after `fromMs`, or at it, at which the window is open. */
export function openingFrom(window: LoadWindow, fromMs: number): Opening {
  const { zone, days, startMinute, lengthMs, cutoffMs } = window;
  // A day before, for clocks on the wall are up to 14 hours from UTC, and another one for clocks that jump.
  const firstDay = Math.floor((fromMs - lengthMs) / dayMs) - 2;
  for (let day = firstDay; ; day += 1) {
    const name = weekdays[new Date(day * dayMs).getUTCDay()];
    if (name === undefined || !days.includes(name)) continue;
    const startMs = momentOf(zone, day * dayMs + startMinute * minuteMs);
    const untilMs = startMs + lengthMs - cutoffMs;
    if (untilMs > fromMs) return { fromMs: Math.max(startMs, fromMs), untilMs };
  }
}
