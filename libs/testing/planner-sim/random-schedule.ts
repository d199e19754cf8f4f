// SPDX-License-Identifier: GPL-2.0-only
import { parseTimes, weekdays, type Freeze, type LoadWindow, type Schedule } from '@lockstep/domain/schedule';
import type { SeededRandom } from '@lockstep/testing/seeded-random';

const hourMs = 3_600_000;

/** Nights around the changes of clocks in Berlin, and one that is as any other. */
export const nights = ['2026-03-28T20:00Z', '2026-10-24T20:00Z', '2026-01-01T00:00Z'].map(Date.parse);

function randomWindow(random: SeededRandom, index: number): LoadWindow {
  const halfHour = random.pick([random.below(8), random.below(48)]);
  const start = `${String(Math.floor(halfHour / 2)).padStart(2, '0')}:${halfHour % 2 === 0 ? '00' : '30'}`;
  const lengthMs = random.pick([1, 2, 4, 10, 30]) * hourMs;
  const cutoffMs = random.chance(0.5) ? 0 : lengthMs / 4;
  const days = random.chance(0.7) ? [...weekdays] : ['sun', 'thu', random.pick([...weekdays])];
  return {
    ...{ name: `w${index}`, selector: random.pick(['', 'tier=a', 'tier in (a,b)']) },
    ...parseTimes({ zone: 'Europe/Berlin', days, start, lengthMs, cutoffMs }),
  };
}

function randomFreeze(random: SeededRandom, index: number, nowMs: number): Freeze {
  const fromMs = nowMs + (random.below(24) - 6) * hourMs;
  const untilMs = fromMs + (1 + random.below(30)) * hourMs;
  return { name: `f${index}`, selector: random.pick(['', 'tier=b']), reason: '', fromMs, untilMs };
}

/** Of many histories none: then loads begin at any time. */
export function randomSchedule(random: SeededRandom, nowMs: number): Schedule {
  if (random.chance(0.5)) return { windows: [], freezes: [] };
  return {
    windows: Array.from({ length: random.below(3) }, (_, index) => randomWindow(random, index)),
    freezes: Array.from({ length: random.below(3) }, (_, index) => randomFreeze(random, index, nowMs)),
  };
}
