// SPDX-License-Identifier: GPL-2.0-only
import type { GateMeasure } from '@lockstep/domain/probes';
import type { RolloutOrder, RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';

/** As long ago as this a number was that of another time. */
const staleMs = 120_000;

/** The rule about metric gates once more; all of them are `… <= 1` here. */
export class GateLaw {
  private before: RolloutPlan | undefined;
  private readonly waived = new Set<number>();

  constructor(private readonly policy: RolloutPolicy) {}

  check(plan: RolloutPlan, measures: readonly GateMeasure[], order: RolloutOrder | undefined, nowMs: number): string[] {
    if (this.policy.gates.length === 0) return [];
    const { before } = this;
    if (order?.kind === 'resume') this.waive(before);
    this.before = plan;
    return plan.waves.flatMap(({ bakesSinceMs, passedAtMs }, wave) => {
      const hadPassed = before?.waves[wave]?.passedAtMs != null;
      if (hadPassed || bakesSinceMs === null || this.waived.has(wave)) return [];
      const said = measures.filter(({ atMs }) => atMs >= bakesSinceMs && nowMs - atMs <= staleMs);
      const isBroken = said.some(({ outcome }) => outcome.kind === 'value' && outcome.value > 1);
      const held = said.filter(({ outcome }) => outcome.kind === 'value' && outcome.value <= 1).length;
      if (isBroken && plan.status === 'running') return [`goes on although a gate of wave ${wave} is broken`];
      return passedAtMs !== null && held < this.policy.gates.length
        ? [`wave ${wave} passes, and ${held} of its gates were measured to hold`]
        : [];
    });
  }

  private waive(before: RolloutPlan | undefined): void {
    const what = before?.waiting?.reason === 'inconclusive' ? before.waiting.what : undefined;
    if (before?.halt?.reason === 'gate') this.waived.add(before.halt.wave);
    if (what?.kind === 'gate') this.waived.add(what.wave);
  }
}
