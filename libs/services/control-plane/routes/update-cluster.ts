// SPDX-License-Identifier: GPL-2.0-only
import { parseOwnerName } from '@lockstep/domain/access';
import { refuseApprovals } from '@lockstep/domain/rollout-planner';
import type {
  ApprovalPolicy as WireApprovals,
  UpdateClusterRequest,
  UpdateClusterResponse,
} from '@lockstep/contracts/generated';
import { switchingFromWire, switchingToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseClusterName } from '@lockstep/domain/livepatch-model';
import type { ApprovalPolicy, ClusterRecord, ClusterSettings } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { clusterToWire } from '../views/cluster-view';

const mostDays = 3650;

/** @throws LockstepError `invalid-input` `invalid-days`; 0 days: never. */
function parseDays(days: number): number | undefined {
  if (days === 0) return undefined;
  if (Number.isInteger(days) && days > 0 && days <= mostDays) return days;
  const message = `Silent nodes are removed after 1 to ${mostDays} whole days, or never (0); not after ${days}.`;
  throw new LockstepError('invalid-input', 'invalid-days', message, { days });
}

const defaultValidMs = 7 * 24 * 3_600_000;
const mostApprovers = 100;

/** As tokens name them. @throws LockstepError `invalid-input` `invalid-approvals`: also for what could never be met. */
function parseApprovals({ needed, approvers, validSeconds }: WireApprovals): ApprovalPolicy | undefined {
  if (needed === 0) return undefined;
  const refuse = (message: string): LockstepError => new LockstepError('invalid-input', 'invalid-approvals', message);
  if (approvers.length > mostApprovers) throw refuse(`Name at most ${mostApprovers} approvers.`);
  const validMs = validSeconds === 0 ? defaultValidMs : validSeconds * 1_000;
  if (validMs < 60_000 || validMs > 14 * 24 * 3_600_000) throw refuse('Approvals count for a minute to 14 days.');
  const policy = { needed, among: approvers.map((name) => `person:${parseOwnerName(name)}`), validMs };
  const why = refuseApprovals({ ...policy, author: '' });
  if (why !== undefined) throw refuse(why);
  return policy;
}

/** What entries get that say nothing themselves, from now on (those that are there stay as they were signed), and when nodes go. */
export async function updateCluster(
  { db }: Uses<'db.clusters'>,
  request: UpdateClusterRequest,
  { kept }: KeepingContext<UpdateClusterResponse>,
): Promise<UpdateClusterResponse> {
  const answer = (cluster: ClusterRecord) => ({ cluster: clusterToWire(cluster) });
  const change = (now: ClusterSettings): ClusterSettings => {
    const before = switchingToWire(now.switching);
    return {
      switching: switchingFromWire({
        consistency: request.consistency ?? before.consistency,
        transitionTimeoutMs: request.transitionTimeoutMs ?? before.transitionTimeoutMs,
        stableMs: request.stableMs ?? before.stableMs,
      }),
      approvals: request.approvals === undefined ? now.approvals : parseApprovals(request.approvals),
      removeSilentAfterDays: parseDays(request.removeSilentAfterDays ?? now.removeSilentAfterDays ?? 0),
    };
  };
  return answer(await db.clusters.update(parseClusterName(request.name), change, kept(answer)));
}
