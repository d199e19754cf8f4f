// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';
import type { PlanStep } from './plan-step';

/** As long ago as this a number was that of another time. */
const staleMs = 120_000;

/** The rule about metric gates once more; all of them are `… <= 1` here. */
export class GateLaw {
  private before: RolloutPlan | undefined;
  private readonly waived = new Set<number>();

  constructor(private readonly policy: RolloutPolicy) {}

  check(step: PlanStep): string[] {
    const { plan, measures, order, nowMs } = step;
    if (this.policy.gates.length === 0) return [];
    const { before } = this;
    if (order?.kind === 'resume') this.waive(before);
    this.before = plan;
    const early = this.pausesEarly(step, before) ? ['pauses for a gate that nobody has asked for long enough'] : [];
    const wrong = plan.waves.flatMap(({ bakesSinceMs, passedAtMs }, wave) => {
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
    return [...early, ...wrong];
  }

  /** A person is asked when a gate could not be measured three times in a row, or when who asks has heard nothing for too long. */
  private pausesEarly(
    { plan, measures, nowMs, gatesAskedSinceMs }: PlanStep,
    before: RolloutPlan | undefined,
  ): boolean {
    const isAsked = (each: RolloutPlan | undefined): boolean =>
      each?.waiting?.reason === 'inconclusive' && each.waiting.what.kind === 'gate';
    if (!isAsked(plan) || isAsked(before)) return false;
    const isHopeless = measures.some(({ outcome, errorsInARow }) => outcome.kind === 'error' && errorsInARow >= 3);
    const askedForMs = gatesAskedSinceMs === undefined ? 0 : nowMs - gatesAskedSinceMs;
    return !isHopeless && askedForMs <= this.policy.deadlineMs;
  }

  private waive(before: RolloutPlan | undefined): void {
    const what = before?.waiting?.reason === 'inconclusive' ? before.waiting.what : undefined;
    if (before?.halt?.reason === 'gate') this.waived.add(before.halt.wave);
    if (what?.kind === 'gate') this.waived.add(what.wave);
  }
}
