// SPDX-License-Identifier: GPL-2.0-only
import { judgeGates, type GateMeasure, type GatesJudgement } from '@lockstep/domain/probes';
import type { Halt, Inconclusive } from './rollout-plan';
import type { RolloutRules } from './rollout-policy';
import type { WaveState } from './wave-state';

/** What the gates say of the wave that proves itself. */
export interface GateWord {
  readonly wave: number;
  readonly judged: GatesJudgement;
}

/** Asks the gates about a wave of which all are there. */
export class WaveGates {
  /**
   * @param measures what they came to last
   * @param askedSinceMs since when somebody asks; undefined: nobody does, and what nobody has asked is not late
   */
  constructor(
    private readonly rules: RolloutRules,
    private readonly measures: readonly GateMeasure[],
    private readonly nowMs: number,
    private readonly askedSinceMs: number | undefined,
  ) {}

  /** @param bakesSinceMs since when all of the wave have been there */
  judge({ gatesWaived }: WaveState, bakesSinceMs: number): GatesJudgement {
    const { gates, bakeMs, deadlineMs } = this.rules;
    const [first] = gates;
    if (first === undefined || gatesWaived) return { kind: 'pass' };
    const judged = judgeGates(gates, this.measures, bakesSinceMs, this.nowMs);
    const isLate = this.nowMs - Math.max(bakesSinceMs + bakeMs, this.askedSinceMs ?? Infinity) > deadlineMs;
    return judged.kind === 'awaited' && isLate
      ? { kind: 'error', gate: first, problem: 'no answer has come in time' }
      : judged;
  }

  /** Of the wave that proves itself now; undefined where none does. */
  word(states: readonly WaveState[]): GateWord | undefined {
    const baking = states.find(({ passedAtMs, bakesSinceMs }) => passedAtMs === null && bakesSinceMs !== null);
    if (baking?.bakesSinceMs == null) return undefined;
    return { wave: baking.wave, judged: this.judge(baking, baking.bakesSinceMs) };
  }
}

/** A number that has left its bound halts, as soon as it is known. */
export function haltOfGates(word: GateWord | undefined): Halt | null {
  if (word?.judged.kind !== 'broken') return null;
  const { gate, value } = word.judged;
  return { reason: 'gate', wave: word.wave, gate, value };
}

/** One that cannot be measured is for a person to judge. */
export function inconclusiveGates(word: GateWord | undefined): Inconclusive | null {
  if (word?.judged.kind !== 'error') return null;
  const { gate, problem } = word.judged;
  return { kind: 'gate', wave: word.wave, gate: gate.name, problem };
}
