// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { Halt } from './rollout-plan';
import type { RolloutRules } from './rollout-policy';
import { isSkipped, isUntried, openWaveOf, type Placed, type WaveState } from './wave-state';

/** A planned node that is not there and could still come. */
export interface Absent {
  readonly node: NodeName;
  readonly wave: number | null;
  readonly untilMs: number;
}

/** All that is needed are away, and have had their time: none of a wave got there. */
export function haltOfAbsence(
  states: readonly WaveState[],
  placed: readonly Placed[],
  absent: readonly Absent[],
  rules: RolloutRules,
): Halt | null {
  const [canaries] = states;
  if (canaries === undefined) return null;
  // Canaries that somebody has chosen are replaced by nobody else.
  const awaitsCanaries = isUntried(canaries) && !isSkipped(canaries, rules);
  const hasMembers = states.some(({ there, onTheWay, ready }) => there.length + onTheWay.length + ready.length > 0);
  if (hasMembers && !awaitsCanaries) return null;
  const needed = placed.filter(({ wave }) => wave !== null && (!awaitsCanaries || wave === 0));
  if (absent.some(({ wave }) => !awaitsCanaries || wave === 0)) return null;
  // Whose loads may not begin now, nobody has missed.
  if (needed.length > 0 && needed.every(({ gate }) => gate.kind !== 'open')) return null;
  return { reason: 'nobody-arrived', wave: openWaveOf(states, rules)?.wave ?? states.length - 1 };
}
