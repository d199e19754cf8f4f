// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutRules as WireRules, StartRolloutRequest } from '@lockstep/contracts/generated';
import { shareFromWire, spreadFromWire } from '@lockstep/contracts/wire';
import { parseSeq, type ClusterName } from '@lockstep/domain/livepatch-model';
import {
  defaultRules,
  type ApprovalRules,
  type ProbeRules,
  type RolloutPolicy,
  type RolloutRules,
} from '@lockstep/domain/rollout-planner';
import { subjectOf } from '@lockstep/domain/access';
import { parseGate, parseProbe } from '@lockstep/domain/probes';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { askedCanaries } from './asked-canaries';
import { chooseLog, type LogChooser } from './choose-log';

export interface AskedRollout {
  readonly cluster: ClusterName;
  readonly policy: RolloutPolicy;
}

/** The rollout that a request means, its defaults filled in. @throws LockstepError as `chooseLog`. */
export async function askedRollout(
  services: Uses<LogChooser>,
  request: StartRolloutRequest,
  context: Pick<CallContext, 'caller'>,
): Promise<AskedRollout> {
  const { cluster, kernelBuild } = await chooseLog(services, request);
  const toSeq = request.toSeq === 0 ? await services.db.loadOrders.head({ cluster, kernelBuild }) : request.toSeq;
  const rules = {
    ...rulesOf(request),
    ...askedCanaries(services, { cluster, kernelBuild }, request, defaultRules),
    approvals: await approvalsFor(services, cluster, context),
  };
  return { cluster, policy: { kernelBuild, toSeq: parseSeq(toSeq), ...rules } };
}

/** Whose word a rollout needs that the caller asks for. */
export async function approvalsFor(
  { db }: Uses<'db.clusters'>,
  cluster: ClusterName,
  { caller }: Pick<CallContext, 'caller'>,
): Promise<ApprovalRules | null> {
  const { approvals } = await db.clusters.require(cluster);
  return approvals === undefined ? null : { ...approvals, author: subjectOf(caller.identity) };
}

function probingOf(rules: WireRules | undefined, usual: ProbeRules): ProbeRules {
  const { probes = [], probeEveryMs = 0, probeTimeoutMs = 0, allowedErrors } = rules ?? {};
  return {
    probes: probes.length > 0 ? probes.map(parseProbe) : usual.probes,
    everyMs: probeEveryMs || usual.everyMs,
    timeoutMs: probeTimeoutMs || usual.timeoutMs,
    allowedErrors: shareFromWire(allowedErrors) ?? usual.allowedErrors,
  };
}

/** All but who goes first. @param usual of what the request does not say @throws LockstepError `invalid-probe`, `invalid-gate` */
export function rulesOf(
  { waveSize, rules }: Pick<StartRolloutRequest, 'waveSize' | 'rules'>,
  usual: RolloutRules = defaultRules,
): Omit<RolloutRules, 'canaries' | 'canarySelector'> {
  const waves = (rules?.waves ?? []).flatMap((share) => shareFromWire(share) ?? []);
  const deadlineMs = (rules?.deadlineSeconds ?? 0) * 1_000;
  return {
    waves: waves.length > 0 ? waves : waveSize > 0 ? [{ nodes: waveSize }] : usual.waves,
    allowedFailures: shareFromWire(rules?.allowedFailures) ?? usual.allowedFailures,
    atOnce: shareFromWire(rules?.atOnce) ?? usual.atOnce,
    spread: spreadFromWire(rules?.spread) ?? usual.spread,
    approvals: usual.approvals,
    haltsOnCrash: usual.haltsOnCrash && rules?.goesOnAfterCrash !== true,
    bakeMs: (rules?.bakeSeconds ?? 0) * 1_000 || usual.bakeMs,
    deadlineMs: deadlineMs === 0 ? usual.deadlineMs : deadlineMs,
    probing: probingOf(rules, usual.probing),
    gates: rules !== undefined && rules.gates.length > 0 ? rules.gates.map(parseGate) : usual.gates,
  };
}
