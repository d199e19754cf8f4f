// SPDX-License-Identifier: GPL-2.0-only
import {
  RolloutStatus,
  type DomainProgress,
  type Emergency,
  type NodeProgress,
  type Rollout,
  type RolloutApprovals,
  type WaveProgress,
} from '@lockstep/contracts/generated';
import {
  allowedOf,
  budgetOf,
  countApprovals,
  countThere,
  countedAsFailure,
  domainProgress,
  emergencyMs,
  explainHalt,
  explainNotYet,
  explainWaiting,
  isAwaited,
  type BreakGlass,
  type Confirmation,
  type NodePlan,
  type RolloutPlan,
} from '@lockstep/domain/rollout-planner';
import { showGate, showProbe } from '@lockstep/domain/probes';
import type { RolloutRecord, RolloutSummary } from '@lockstep/io/database';
import type { Uses } from '../services';
import { steadyTimeMs } from '../steady-time';
import { statusFromWire } from './status-filter';

const statusToWire: Readonly<Record<RolloutRecord['status'], RolloutStatus>> = {
  running: RolloutStatus.ROLLOUT_STATUS_RUNNING,
  succeeded: RolloutStatus.ROLLOUT_STATUS_SUCCEEDED,
  paused: RolloutStatus.ROLLOUT_STATUS_PAUSED,
  halted: RolloutStatus.ROLLOUT_STATUS_HALTED,
  aborted: RolloutStatus.ROLLOUT_STATUS_ABORTED,
  superseded: RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
};

/** @throws LockstepError `invalid-status` for one that this version does not know. */
export function rolloutStatusFromWire(status: RolloutStatus | undefined): RolloutRecord['status'] | undefined {
  return statusFromWire(statusToWire, status);
}

function progressToWire(planned: NodePlan, plan: RolloutPlan): NodeProgress {
  const { node, wave, position, released, notYet, sinceMs } = planned;
  return {
    node,
    wave: wave ?? 0,
    late: wave === null,
    position,
    target: released ? plan.toSeq : position,
    notYet: notYet === null ? undefined : { reason: notYet.reason, message: explainNotYet(notYet, plan) },
    since: new Date(sinceMs),
    awaited: notYet !== null && isAwaited(notYet),
    obstacles: [...(planned.obstacles ?? [])],
    domain: planned.domain ?? '',
  };
}

function wavesToWire({ policy, plan }: RolloutRecord): WaveProgress[] {
  const waves = plan.waves.map(({ planned, passedAtMs }): WaveProgress => ({
    planned,
    there: 0,
    moving: 0,
    failures: 0,
    allowedFailures: allowedOf(policy.allowedFailures, planned),
    atOnce: budgetOf(policy, planned),
    passedAt: passedAtMs === null ? undefined : new Date(passedAtMs),
  }));
  const members = waves.map(() => 0);
  for (const node of plan.nodes) {
    const wave = node.wave === null ? undefined : waves[node.wave];
    if (node.wave === null || wave === undefined) continue;
    members[node.wave] = (members[node.wave] ?? 0) + 1;
    if (node.notYet === null) wave.there += 1;
    else if (countedAsFailure(node)) wave.failures += 1;
    else if (node.released && isAwaited(node.notYet)) wave.moving += 1;
  }
  // Who took another's place in a wave makes that larger than it was planned, and a later one smaller.
  let early = 0;
  return waves.map((wave, index) => {
    const missing = wave.planned - (members[index] ?? 0);
    const before = Math.min(early, Math.max(0, missing));
    early += Math.max(0, -missing) - before;
    return { ...wave, left: Math.max(0, missing) - before };
  });
}

/** Why it goes no further, or what it waits for. */
function heldUpBy(plan: RolloutPlan, status: RolloutRecord['status']): Pick<Rollout, 'halt' | 'waiting'> {
  const { halt, waiting } = plan;
  const until = waiting?.untilMs;
  return {
    halt: halt === null ? undefined : { reason: halt.reason, message: explainHalt(halt) },
    waiting:
      waiting === null || status === 'superseded'
        ? undefined
        : {
            reason: waiting.reason,
            message: explainWaiting(waiting, plan),
            until: until == null ? undefined : new Date(until),
          },
  };
}

export function approvalsToWire({ approvals }: RolloutPlan): RolloutApprovals | undefined {
  if (approvals === undefined) return undefined;
  const { needed, among, author, hash, given, begun, validMs } = approvals;
  return {
    ...{
      needed,
      author,
      begun,
      approvers: [...among],
      planHash: hash,
      given: countApprovals(approvals, steadyTimeMs()),
    },
    all: given.map(({ by, atMs, hash: to }) => ({
      ...{ by, givenAt: new Date(atMs), expiresAt: new Date(atMs + validMs), ofThisPlan: to === hash },
    })),
  };
}

const domainsToWire = ({ plan, policy }: RolloutRecord): DomainProgress[] =>
  domainProgress(plan, policy).map(({ onTheWay, ...domain }) => ({ ...domain, moving: onTheWay }));

/** @param sinceMs when it began, where its plan is known */
function emergencyToWire(
  {
    policy: { breakGlass },
    confirmation,
  }: {
    readonly policy: { readonly breakGlass?: BreakGlass | undefined };
    readonly confirmation?: Confirmation | undefined;
  },
  sinceMs?: number,
): Emergency | undefined {
  if (breakGlass === undefined) return undefined;
  return {
    ...breakGlass,
    until: sinceMs === undefined ? undefined : new Date(sinceMs + emergencyMs),
    confirmedBy: confirmation?.by ?? '',
    confirmation: confirmation?.reason ?? '',
    confirmedAt: confirmation && new Date(confirmation.atMs),
  };
}

export function rolloutToWire(rollout: RolloutRecord): Rollout {
  const { id, cluster, policy, status, plan, startedAt, endedAt, orders } = rollout;
  return {
    id,
    cluster,
    kernelBuildId: policy.kernelBuild,
    toSeq: policy.toSeq,
    status: statusToWire[status],
    nodes: plan.nodes.map((node) => progressToWire(node, plan)),
    startedAt,
    endedAt: endedAt ?? undefined,
    caveats: plan.caveats.map(({ seq, patchName, kind, message }) => ({ seq, patchName, caveat: { kind, message } })),
    ...heldUpBy(plan, status),
    waves: wavesToWire(rollout),
    orders: orders.map((order) => ({
      kind: order.kind,
      reason: order.reason,
      nodes: order.kind === 'retry' ? [...order.nodes] : [],
      givenAt: order.givenAt,
      givenBy: order.givenBy,
    })),
    nodeCount: plan.nodes.length,
    nodesThere: countThere(plan),
    rollsBack: policy.undoes?.rollout,
    campaignId: rollout.campaign,
    approvals: approvalsToWire(plan),
    probes: policy.probing.probes.map(showProbe),
    gates: policy.gates.map(showGate),
    canarySelector: policy.canarySelector,
    domains: domainsToWire(rollout),
    emergency: emergencyToWire(rollout, plan.urgentSinceMs),
  };
}

/** Where it stands among others does not show. */
export type ShownSummary = Omit<RolloutSummary, 'number'>;

/** As it is listed. @param plan in newer words than the stored ones, where there are any. */
export function rolloutSummaryToWire(rollout: ShownSummary, plan: RolloutPlan | undefined): Rollout {
  const { id, cluster, kernelBuild, toSeq, status, startedAt, endedAt, nodeCount, nodesThere } = rollout;
  return {
    ...{ id, cluster, kernelBuildId: kernelBuild, toSeq, startedAt, endedAt: endedAt ?? undefined },
    status: statusToWire[status],
    ...{ nodes: [], caveats: [], waves: [], orders: [], probes: [], gates: [], domains: [] },
    ...(plan === undefined ? { halt: undefined, waiting: undefined } : heldUpBy(plan, status)),
    approvals: undefined,
    emergency: emergencyToWire({ policy: rollout, confirmation: rollout.confirmation }),
    nodeCount: plan?.nodes.length ?? nodeCount,
    nodesThere: plan === undefined ? nodesThere : countThere(plan),
    rollsBack: rollout.rollsBack,
  };
}

/** One that is worked on is told in the newest words, another as it is stored. */
export async function currentRollout(
  { db, rollouts }: Uses<'db.rollouts' | 'rollouts'>,
  id: string,
): Promise<RolloutRecord> {
  return rollouts.find(id) ?? (await db.rollouts.require(id));
}
