// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeFacts, RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';

/** What all probes of a node say, where it stands: `silent` says nothing yet, `unknown` that it could not be known. */
export type ProbesSay = 'well' | 'ill' | 'unknown' | 'silent';

/** Of one node, how its probes have stood. */
interface Asked {
  /** Since when it was asked and has said nothing; undefined of one that was not. */
  silentSinceMs: number | undefined;
  isGivenUp: boolean;
  /** Somebody went on without it. */
  isDropped: boolean;
}

/** The rules about probes once more, told from what nodes say and in other words than the planner's. */
export class ProbeLaw {
  private readonly asked = new Map<NodeName, Asked>();

  constructor(private readonly policy: RolloutPolicy) {}

  private of(node: NodeName): Asked {
    const known = this.asked.get(node) ?? { silentSinceMs: undefined, isGivenUp: false, isDropped: false };
    this.asked.set(node, known);
    return known;
  }

  says({ node, report }: NodeFacts, nowMs: number): ProbesSay {
    const { probing, deadlineMs, toSeq } = this.policy;
    if (report === null || probing.probes.length === 0) return 'well';
    const isBrought = report.position >= toSeq;
    const here = (report.probes ?? []).filter(({ position }) => position >= toSeq === isBrought);
    const past = this.of(node);
    if (here.some(({ verdict }) => verdict === 'fail')) return this.heard(past, 'ill');
    if (here.some(({ verdict, inARow }) => verdict === 'error' && inARow >= 3)) return this.heard(past, 'unknown');
    const passed = here.filter(({ verdict }) => verdict === 'pass').length;
    if (passed === probing.probes.length) return this.heard(past, 'well');
    const waitedMs = past.silentSinceMs === undefined ? 0 : nowMs - Math.min(past.silentSinceMs, nowMs);
    return past.isGivenUp || waitedMs > deadlineMs ? 'unknown' : 'silent';
  }

  private heard(past: Asked, says: ProbesSay): ProbesSay {
    past.silentSinceMs = undefined;
    past.isGivenUp = false;
    if (says !== 'unknown') past.isDropped = false;
    return says;
  }

  /** It said no, and is waited for once more since then: silence is part of that time. */
  waitFrom(node: NodeName, sinceMs: number): void {
    this.of(node).silentSinceMs = sinceMs;
  }

  isDropped(node: NodeName): boolean {
    return this.of(node).isDropped;
  }

  /** Somebody goes on without those that could not be measured. */
  drop(before: RolloutPlan | undefined): void {
    for (const { node, notYet } of before?.nodes ?? []) {
      if (notYet?.reason === 'unmeasured') this.of(node).isDropped = true;
    }
  }

  remember({ nodes }: RolloutPlan, nowMs: number): void {
    for (const { node, notYet } of nodes) {
      const past = this.of(node);
      const isAwaited = notYet?.reason === 'probing' || notYet?.reason === 'waiting-for-baseline';
      past.silentSinceMs = isAwaited ? Math.min(past.silentSinceMs ?? nowMs, nowMs) : undefined;
      past.isGivenUp = notYet?.reason === 'unmeasured';
      if (!past.isGivenUp) past.isDropped = false;
    }
  }

  /** None goes on where more of a wave cannot be measured than may, unless somebody went on without them. */
  checkUnknown(status: RolloutPlan['status'], wave: number, planned: number, unknown: readonly NodeName[]): string[] {
    const { allowedErrors } = this.policy.probing;
    const may = 'nodes' in allowedErrors ? allowedErrors.nodes * 100 : allowedErrors.percent * planned;
    const count = unknown.filter((node) => !this.isDropped(node)).length;
    return status === 'running' && count * 100 > may
      ? [`goes on although ${count} of wave ${wave} could not be measured`]
      : [];
  }
}
