// SPDX-License-Identifier: GPL-2.0-only
import type { GateMeasure, GateOutcome } from '@lockstep/domain/probes';
import type { RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { SeededRandom } from '@lockstep/testing/seeded-random';

const outcomes: readonly GateOutcome[] = [
  ...Array<GateOutcome>(8).fill({ kind: 'value', value: 0 }),
  { kind: 'value', value: 2 },
  ...Array<GateOutcome>(2).fill({ kind: 'error', problem: 'x' }),
];

/** What Prometheus says while a wave proves itself; sometimes nobody asks, and nobody does while the rollout is halted. */
export class SimulatedGates {
  measures: readonly GateMeasure[] = [];
  /** Since when whoever leads asks; undefined: nobody does. */
  askedSinceMs: number | undefined;

  constructor(
    private readonly policy: RolloutPolicy,
    private readonly random: SeededRandom,
  ) {}

  /** @param isWell it answers, and all keeps to its bounds */
  measure({ openWave, status }: RolloutPlan, nowMs: number, isWell = false): void {
    const { gates } = this.policy;
    if (gates.length === 0) return;
    // Whoever leads from now on knows nothing of what was measured before.
    const isProving = openWave?.bakesUntilMs != null && status !== 'halted' && status !== 'aborted';
    if (!isProving || (!isWell && this.random.chance(0.1))) {
      this.measures = [];
      this.askedSinceMs = undefined;
      if (!isProving) return;
    }
    this.askedSinceMs = Math.min(this.askedSinceMs ?? nowMs, nowMs);
    if (isWell || this.random.chance(0.8)) {
      this.measures = gates.map(({ name }): GateMeasure => {
        const outcome: GateOutcome = isWell ? { kind: 'value', value: 1 } : this.random.pick(outcomes);
        const before = this.measures.find(({ gate }) => gate === name)?.errorsInARow ?? 0;
        return { gate: name, atMs: nowMs, outcome, errorsInARow: outcome.kind === 'error' ? before + 1 : 0 };
      });
    }
  }
}
