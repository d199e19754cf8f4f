// SPDX-License-Identifier: GPL-2.0-only
import { simulateRollout, type RolloutHistory } from '@lockstep/testing/planner-sim';

/** Histories whose seeds follow each other. */
export interface Stretch {
  readonly seed: number;
  readonly runs: number;
}

/** What came of many histories. */
export interface Tally {
  readonly runs: number;
  readonly plans: number;
  /** How many ended how. */
  readonly ends: Readonly<Record<string, number>>;
  readonly broken: readonly Pick<RolloutHistory, 'seed' | 'violations'>[];
}

export const nothingYet: Tally = { runs: 0, plans: 0, ends: {}, broken: [] };

export function added(a: Tally, b: Tally): Tally {
  const ends: Record<string, number> = { ...a.ends };
  for (const [status, count] of Object.entries(b.ends)) ends[status] = (ends[status] ?? 0) + count;
  const broken = [...a.broken, ...b.broken].sort((x, y) => x.seed - y.seed);
  return { runs: a.runs + b.runs, plans: a.plans + b.plans, ends, broken };
}

/** Plays them, one after the other. */
export function playStretch({ seed, runs }: Stretch): Tally {
  let tally = nothingYet;
  for (let run = 0; run < runs; run += 1) {
    const { plans, status, violations, seed: its } = simulateRollout(seed + run);
    const broken = violations.length > 0 ? [{ seed: its, violations }] : [];
    tally = added(tally, { runs: 1, plans, ends: { [status]: 1 }, broken });
  }
  return tally;
}

/** So many histories in stretches, so that whoever is done first takes the next. */
export function stretches({ seed, runs }: Stretch, length: number): Stretch[] {
  const all: Stretch[] = [];
  for (let from = 0; from < runs; from += length) all.push({ seed: seed + from, runs: Math.min(length, runs - from) });
  return all;
}
