// SPDX-License-Identifier: GPL-2.0-only
import type { PlanChanges, ReviewRolloutRequest, ReviewRolloutResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { LogEntry } from '@lockstep/domain/load-order';
import { changesSince, previewRollout, rulesChanged, type RolloutPreview } from '@lockstep/domain/rollout-planner';
import type { RolloutRecord } from '@lockstep/io/database';
import type { Uses } from '../services';
import { currentRollout, rolloutToWire } from '../views/rollout-view';
import { previewToWire } from './planned-answer';

type Reader = 'db.rollouts' | 'rollouts' | 'logs';

const mostChanges = 100;

const changesToWire = (rollout: string, at: Date, changes: readonly string[]): PlanChanges => ({
  ...{ rollout, at, changes: changes.slice(0, mostChanges), more: Math.max(0, changes.length - mostChanges) },
});

/** Against what was approved last: none where that is what is planned. */
async function sinceApproved(
  { db }: Uses<'db.rollouts'>,
  { id, orders, plan, policy }: RolloutRecord,
  entries: readonly LogEntry[],
  now: RolloutPreview,
): Promise<PlanChanges | undefined> {
  const last = orders.findLast((order) => order.kind === 'approve');
  if (last === undefined || plan.approvals === undefined || last.hash === plan.approvals.hash) return undefined;
  const agreed = await db.rollouts.planAgreedTo(id, last.hash);
  if (agreed === undefined) return undefined;
  return changesToWire(id, last.givenAt, changesSince(previewRollout(policy, agreed, entries), now));
}

function entryChange({ seq, body }: LogEntry): string {
  switch (body.kind) {
    case 'load':
      return `#${seq} loads ${body.artifact.patchName}.`;
    case 'retire':
      return `#${seq} retires #${body.retires}.`;
    case 'rotate':
      return `#${seq} brings in a new log key.`;
  }
}

/** Who came and who left, by name: where they were in the waves of then says nothing. */
function nodesChanged(before: RolloutRecord, now: RolloutRecord): string[] {
  const names = ({ plan }: RolloutRecord) => new Set(plan.nodes.map(({ node }) => node));
  const [were, are] = [names(before), names(now)];
  return [
    ...[...are].filter((node) => !were.has(node)).map((node) => `${node} has come.`),
    ...[...were].filter((node) => !are.has(node)).map((node) => `${node} has left.`),
  ];
}

/** Against the last one of the load order that succeeded. */
function sinceLast(before: RolloutRecord, now: RolloutRecord, entries: readonly LogEntry[]): PlanChanges {
  const brought = entries.slice(before.policy.toSeq, now.policy.toSeq).map(entryChange);
  const rules = rulesChanged(before.policy, now.policy);
  return changesToWire(before.id, before.startedAt, [...brought, ...rules, ...nodesChanged(before, now)]);
}

/**
 * What a rollout is about to do, for whoever is to approve it.
 * @throws LockstepError `not-found` `unknown-rollout`; `refused` `rollout-ended`: of what is done there is nothing to review.
 */
export async function reviewRollout(
  services: Uses<Reader>,
  { id }: ReviewRolloutRequest,
): Promise<ReviewRolloutResponse> {
  const { db, logs } = services;
  const rollout = await currentRollout(services, id);
  const { cluster, policy, plan, status } = rollout;
  if (status === 'succeeded' || status === 'aborted' || status === 'superseded') {
    const message = `Rollout ${id} has ended (${status}): \`lockstep rollout show ${id}\` says how it went.`;
    throw new LockstepError('refused', 'rollout-ended', message, { rollout: id });
  }
  const entries = await logs.entries({ cluster, kernelBuild: policy.kernelBuild });
  const preview = previewRollout(policy, plan, entries);
  const before = await db.rollouts.lastBefore(id);
  return {
    rollout: rolloutToWire(rollout),
    ...previewToWire(preview, entries),
    sinceApproved: await sinceApproved(services, rollout, entries, preview),
    sinceLast: before === undefined ? undefined : sinceLast(before, rollout, entries),
  };
}
