// SPDX-License-Identifier: GPL-2.0-only
import type { SwarmState } from './swarm-messages';

const addEach = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, index) => (a[index] ?? 0) + (b[index] ?? 0));

/** How far the agents of two processes are together. */
export function addStates(a: SwarmState, b: SwarmState): SwarmState {
  const endings: Record<string, number> = { ...a.endings };
  for (const [reason, count] of Object.entries(b.endings)) endings[reason] = (endings[reason] ?? 0) + count;
  return {
    enrolled: a.enrolled + b.enrolled,
    connected: a.connected + b.connected,
    knowing: addEach(a.knowing, b.knowing),
    arrived: addEach(a.arrived, b.arrived),
    lost: a.lost + b.lost,
    endings,
    failure: a.failure ?? b.failure,
  };
}
