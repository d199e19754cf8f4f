// SPDX-License-Identifier: GPL-2.0-only
import type { SwarmState } from './swarm-messages';

const addEach = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));

type Endings = SwarmState['endings'];

/** What is in `a`, and in `b` so often more. */
function combine(a: Endings, b: Endings, sign: 1 | -1): Endings {
  const all: Record<string, number> = { ...a };
  for (const [reason, count] of Object.entries(b)) all[reason] = (all[reason] ?? 0) + sign * count;
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count !== 0));
}

/** Those that came between two looks. */
export const endingsSince = (before: Endings, now: Endings): Endings => combine(now, before, -1);

/** How far the agents of two processes are together. */
export function addStates(a: SwarmState, b: SwarmState): SwarmState {
  return {
    enrolled: a.enrolled + b.enrolled,
    connected: a.connected + b.connected,
    knowing: addEach(a.knowing, b.knowing),
    arrived: addEach(a.arrived, b.arrived),
    lost: a.lost + b.lost,
    begun: a.begun + b.begun,
    endings: combine(a.endings, b.endings, 1),
    failure: a.failure ?? b.failure,
  };
}
