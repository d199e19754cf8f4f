// SPDX-License-Identifier: GPL-2.0-only
import {
  Gates,
  momentOf,
  openingFrom,
  parseTimes,
  parseZone,
  wallTime,
  weekdays,
  type Freeze,
  type LoadWindow,
  type Schedule,
  type ZoneName,
} from '@lockstep/domain/schedule';
import type { FreezeMessage, WindowMessage } from '../api/schemas';

const dayMs = 86_400_000;
export const daysShown = 14;

export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Day extends Span {
  /** `Sat 28` */
  readonly name: string;
  readonly isWeekend: boolean;
}

export function windowOf(window: WindowMessage): LoadWindow {
  const {
    name = '',
    selector = '',
    zone = 'UTC',
    days = [],
    start = '',
    lengthSeconds = 0,
    cutoffSeconds = 0,
  } = window;
  const text = { zone, days, start, lengthMs: lengthSeconds * 1_000, cutoffMs: cutoffSeconds * 1_000 };
  return { name, selector, ...parseTimes(text) };
}

export const freezeOf = ({ name = '', selector = '', from = '', until = '', reason = '' }: FreezeMessage): Freeze => ({
  ...{ name, selector, reason, fromMs: Date.parse(from), untilMs: Date.parse(until) },
});

/** Of this browser. */
export const ownZone = (): ZoneName => parseZone(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');

const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Today and those after it, from midnight to midnight by the clocks of a zone: one on which they change is longer, or shorter. */
export function daysFrom(zone: ZoneName, nowMs: number, count = daysShown): Day[] {
  const today = Math.floor(wallTime(zone, nowMs) / dayMs);
  return Array.from({ length: count }, (_, index) => {
    const wall = new Date((today + index) * dayMs);
    return {
      name: `${dayNames[wall.getUTCDay()] ?? ''} ${wall.getUTCDate()}`,
      isWeekend: wall.getUTCDay() % 6 === 0,
      fromMs: momentOf(zone, wall.getTime()),
      untilMs: momentOf(zone, wall.getTime() + dayMs),
    };
  });
}

/** When a window is open within a span, its cutoffs not among it. One that is open throughout is told once. */
export function openings(window: LoadWindow, { fromMs, untilMs }: Span): Span[] {
  const found: Span[] = [];
  for (let opening = openingFrom(window, fromMs); opening.fromMs < untilMs;) {
    found.push({ fromMs: opening.fromMs, untilMs: Math.min(opening.untilMs, untilMs) });
    opening = openingFrom(window, opening.untilMs);
  }
  return found;
}

/** When the load of a node may begin that no window and no freeze chooses by its labels: by what the planner goes by. */
export function mayBegin(schedule: Schedule, { fromMs, untilMs }: Span): Span[] {
  const found: Span[] = [];
  for (let atMs = fromMs; atMs < untilMs;) {
    const gate = new Gates(schedule, atMs).of();
    if (gate.kind === 'open') {
      const endMs = Math.min(gate.untilMs ?? untilMs, untilMs);
      found.push({ fromMs: atMs, untilMs: endMs });
      atMs = endMs;
    } else {
      atMs = gate.opensAtMs;
    }
  }
  return found;
}

/** Where a span lies within another, as shares of it in percent; undefined where it does not. */
export function placed(
  { fromMs, untilMs }: Span,
  all: Span,
): { readonly left: number; readonly width: number } | undefined {
  const [begins, ends] = [Math.max(fromMs, all.fromMs), Math.min(untilMs, all.untilMs)];
  if (ends <= begins) return undefined;
  const of = all.untilMs - all.fromMs;
  return { left: (100 * (begins - all.fromMs)) / of, width: (100 * (ends - begins)) / of };
}

const two = (part: number): string => String(part).padStart(2, '0');

/** `Sat 28 02:00` by the clocks of a zone. */
export function wallWords(zone: ZoneName, atMs: number): string {
  const wall = new Date(wallTime(zone, atMs));
  const time = `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}`;
  return `${dayNames[wall.getUTCDay()] ?? ''} ${wall.getUTCDate()} ${time}`;
}

const isWeekday = (text: string): text is (typeof weekdays)[number] => weekdays.some((day) => day === text);

/** From Monday on. */
export const dayOrder = (days: readonly string[]): string[] =>
  days.filter(isWeekday).sort((a, b) => ((weekdays.indexOf(a) + 6) % 7) - ((weekdays.indexOf(b) + 6) % 7));
