// SPDX-License-Identifier: GPL-2.0-only
import type { Labels } from '@lockstep/domain/labels';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, Gates, type Gate, type Schedule } from '@lockstep/domain/schedule';
import { counted } from '@lockstep/domain/visible-text';
import { isUrgent } from './break-glass';
import { domainOf } from './domains';
import { mostNamed } from './explain-not-yet';
import type { NodePlan, RolloutPlan } from './rollout-plan';
import { budgetOf, type RolloutPolicy } from './rollout-policy';
import { sizeOf } from './share';

/** A rollout that has not begun. */
export interface EstimateRequest {
  readonly policy: RolloutPolicy;
  /** Its first. */
  readonly plan: RolloutPlan;
  readonly schedule: Schedule;
  /** Those that count, by which windows choose nodes. */
  readonly labels: ReadonlyMap<NodeName, Labels | undefined>;
  /** What the clock on the wall shows. */
  readonly clockMs: number;
  /** How long it took these nodes to get to where they were brought last, as far as that is known. */
  readonly tookMs: ReadonlyMap<NodeName, number>;
}

/** When a rollout would end, if it began now. */
export interface EstimatedEnd {
  /** By its waves, bake times, windows and what may go at once alone: whatever happens it cannot end before. */
  readonly notBeforeMs: number;
  /** If all goes well, and nodes take as long as they took last; null where that is known of none. */
  readonly likelyMs: number | null;
  /** What else it takes, which nobody can know, in words. */
  readonly unknown: readonly string[];
}

/** On its way, or would be: the others are there, or nobody waits for them. */
const comes = ({ notYet }: NodePlan): boolean =>
  notYet !== null &&
  (notYet.reason.startsWith('waiting-for-') || ['moving', 'stuck', 'probing'].includes(notYet.reason));

/** Neither there nor coming as it is now. */
const isOut = ({ notYet, wave }: NodePlan): boolean => wave !== null && notYet !== null;

interface InFlight {
  readonly untilMs: number;
  readonly domain: string;
}

/** Plays the waves as the planner would, in time that is only counted. */
class Walk {
  private readonly most = new Map<string, number>();
  private readonly free: Gates;

  constructor(
    private readonly request: EstimateRequest,
    private readonly took: (node: NodeName) => number,
  ) {
    const { policy, plan } = request;
    this.free = new Gates(alwaysOpen, request.clockMs);
    if (policy.spread === undefined) return;
    for (const { node } of plan.nodes) {
      const domain = this.domainOf(node);
      this.most.set(domain, (this.most.get(domain) ?? 0) + 1);
    }
    for (const [domain, nodes] of this.most) this.most.set(domain, sizeOf(policy.spread.atMost, nodes));
  }

  private domainOf(node: NodeName): string {
    const { policy, labels } = this.request;
    return policy.spread === undefined ? '' : domainOf(policy.spread, labels.get(node));
  }

  private gatesAt(atMs: number): Gates {
    const { policy, schedule, clockMs } = this.request;
    const urgentSinceMs = policy.breakGlass === undefined ? undefined : clockMs;
    const isFree = isUrgent(urgentSinceMs, atMs) || schedule.windows.length + schedule.freezes.length === 0;
    return isFree ? this.free : new Gates(schedule, atMs);
  }

  /** @returns when the last of them is there. */
  private wave(members: readonly NodeName[], planned: number, beginsAtMs: number): number {
    const budget = budgetOf(this.request.policy, planned);
    let atMs = beginsAtMs;
    let endsAtMs = beginsAtMs;
    let flying: InFlight[] = [];
    let left = [...members];
    while (left.length > 0) {
      const now = atMs;
      flying = flying.filter(({ untilMs }) => untilMs > now);
      const gates = this.gatesAt(now);
      const busy = new Map<string, number>();
      for (const { domain } of flying) busy.set(domain, (busy.get(domain) ?? 0) + 1);
      let opensAtMs = Infinity;
      const waits: NodeName[] = [];
      for (const node of left) {
        const gate: Gate = gates.of(this.request.labels.get(node));
        const domain = this.domainOf(node);
        const used = busy.get(domain) ?? 0;
        if (gate.kind !== 'open') opensAtMs = Math.min(opensAtMs, gate.opensAtMs);
        if (gate.kind !== 'open' || flying.length >= budget || used >= (this.most.get(domain) ?? Infinity)) {
          waits.push(node);
          continue;
        }
        const untilMs = now + this.took(node);
        endsAtMs = Math.max(endsAtMs, untilMs);
        // Who takes no time leaves its place at once.
        if (untilMs === now) continue;
        flying.push({ untilMs, domain });
        busy.set(domain, used + 1);
      }
      left = waits;
      const landsAtMs = flying.length === 0 ? Infinity : Math.min(...flying.map(({ untilMs }) => untilMs));
      const nextMs = Math.min(opensAtMs, landsAtMs);
      // Nothing comes that those who wait could go at: not before who has gone is there is all that can be said.
      if (nextMs <= now || nextMs === Infinity) return endsAtMs;
      atMs = nextMs;
    }
    return endsAtMs;
  }

  end(): number {
    const { policy, plan, clockMs } = this.request;
    const members = plan.waves.map((): NodeName[] => []);
    for (const node of plan.nodes) if (node.wave !== null && comes(node)) members[node.wave]?.push(node.node);
    let atMs = clockMs;
    for (const [wave, { planned }] of plan.waves.entries()) {
      const isThere = plan.nodes.some((node) => node.wave === wave && node.notYet === null);
      const coming = members[wave] ?? [];
      // Nobody can try it: others do, or it keeps none waiting.
      if (coming.length === 0 && !isThere) continue;
      atMs = this.wave(coming, planned, atMs) + policy.bakeMs;
    }
    return atMs;
  }
}

function median(values: Iterable<number>): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

const minutes = (ms: number): string => `${Math.round(ms / 6_000) / 10} minutes`;

function unknownOf({ policy, plan, tookMs }: EstimateRequest): string[] {
  const out = plan.nodes.filter((node) => isOut(node) && !comes(node)).map(({ node }) => node);
  const { approvals, probing, gates, deadlineMs } = policy;
  const more = out.length > mostNamed ? ` and ${counted(out.length - mostNamed, 'other')}` : '';
  const some = `${out.slice(0, mostNamed).join(', ')}${more}`;
  const begins = plan.nodes.some(({ position }) => position < plan.toSeq);
  return [
    ...(approvals === null || !begins
      ? []
      : [`when ${counted(approvals.needed, 'person approves', 'people approve')} it; all is counted from now`]),
    ...(tookMs.size > 0 ? [] : ['how long its nodes take to load: no rollout has brought any of them anywhere yet']),
    ...(out.length === 0
      ? []
      : [`when those come that are away or held out, which it waits for up to ${minutes(deadlineMs)}: ${some}`]),
    ...(probing.probes.length === 0 ? [] : ['how long its probes take to pass']),
    ...(gates.length === 0 ? [] : ['how long its gates take to be measured']),
    `whether all arrive: one that does not is waited for up to ${minutes(deadlineMs)}`,
  ];
}

export function estimateEnd(request: EstimateRequest): EstimatedEnd {
  const { tookMs } = request;
  const usual = median(tookMs.values());
  return {
    notBeforeMs: new Walk(request, () => 0).end(),
    likelyMs: usual === undefined ? null : new Walk(request, (node) => tookMs.get(node) ?? usual).end(),
    unknown: unknownOf(request),
  };
}
