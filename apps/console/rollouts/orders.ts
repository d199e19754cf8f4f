// SPDX-License-Identifier: GPL-2.0-only
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import {
  refuseOrder,
  type Approvals,
  type OrderedPlan,
  type OrderRefusal,
  type PlanStatus,
  type RolloutOrder,
} from '@lockstep/domain/rollout-planner';
import type { RolloutMessage, RolloutStatus, Session } from '../api/schemas';

export const orders = ['pause', 'resume', 'retry', 'abort'] as const;
export type OrderKind = (typeof orders)[number];
export type WordKind = 'approve' | 'reject';

/** Null: it is history, which takes no orders. */
const planStatuses: Readonly<Record<RolloutStatus, PlanStatus | null>> = {
  ROLLOUT_STATUS_UNSPECIFIED: null,
  ROLLOUT_STATUS_SUPERSEDED: null,
  ROLLOUT_STATUS_RUNNING: 'running',
  ROLLOUT_STATUS_PAUSED: 'paused',
  ROLLOUT_STATUS_HALTED: 'halted',
  ROLLOUT_STATUS_SUCCEEDED: 'succeeded',
  ROLLOUT_STATUS_ABORTED: 'aborted',
};

const msOf = (at: string | undefined): number => Date.parse(at ?? '');

function approvalsOf({ approvals }: RolloutMessage): Approvals | undefined {
  if (approvals === undefined) return undefined;
  const { needed = 0, approvers = [], author = '', planHash = '', begun = false, all = [] } = approvals;
  const [first] = all;
  return {
    ...{ needed, author, begun, among: approvers, hash: planHash },
    validMs: first === undefined ? Infinity : msOf(first.expiresAt) - msOf(first.givenAt),
    given: all.map(({ by = '', givenAt, ofThisPlan }) => ({
      ...{ by, atMs: msOf(givenAt), hash: ofThisPlan === true ? planHash : '' },
    })),
  };
}

function orderedPlan(rollout: RolloutMessage, status: PlanStatus): OrderedPlan {
  const { halt, nodes = [] } = rollout;
  return {
    status,
    halt: halt === undefined ? null : { reason: halt.reason ?? '' },
    nodes: nodes.map(({ node = '', notYet }) => ({
      node: parseNodeName(node),
      notYet: notYet === undefined ? null : { reason: notYet.reason ?? '' },
    })),
    approvals: approvalsOf(rollout),
  };
}

function wordsOf(refusal: OrderRefusal): string {
  switch (refusal.reason) {
    case 'rollout-ended':
      return 'It has ended.';
    case 'not-running':
      return refusal.status === 'halted' ? 'It has halted: resume it first.' : `It is ${refusal.status} already.`;
    case 'not-stopped':
      return 'It runs already.';
    case 'out-of-time':
      return 'Its time is over: start another one.';
    case 'patch-retired':
      return 'What it goes to was retired meanwhile: roll it back, or start one to the head.';
    case 'nobody-failed':
    case 'not-failed':
    case 'quarantined':
      return 'No node has failed that could be tried again.';
    case 'no-approval-needed':
      return 'It waits for nobody’s approval.';
    case 'own-approval':
      return 'You asked for this rollout, and nobody approves what they ask for themselves.';
    case 'not-an-approver':
      return `Only these approve here: ${refusal.among.join(', ')}.`;
    case 'approved-already':
      return 'You have approved this plan already: it takes other people.';
    // Both are asked for when it is done.
    case 'other-plan':
    case 'reason-needed':
      return '';
  }
}

function whyNot(order: RolloutOrder, rollout: RolloutMessage, nowMs: number): string | undefined {
  const status = planStatuses[rollout.status ?? 'ROLLOUT_STATUS_UNSPECIFIED'];
  if (status === null) return 'It is history: a later one took its place.';
  const refusal = refuseOrder(order, orderedPlan(rollout, status), nowMs);
  return refusal === undefined ? undefined : wordsOf(refusal);
}

/** Given when it is done. */
const reason = 'given later';

/** Why an order makes no sense for a rollout as it is now, by what the control plane decides it by; undefined where it does. */
export const whyNotOrder = (kind: OrderKind, rollout: RolloutMessage): string | undefined =>
  whyNot(kind === 'retry' ? { kind, reason, nodes: [] } : { kind, reason }, rollout, 0);

/** Why somebody's word for or against a rollout does not count; undefined where it does. */
export function whyNotWord(
  kind: WordKind,
  rollout: RolloutMessage,
  { identity }: Pick<Session, 'identity'>,
  nowMs: number,
): string | undefined {
  if (identity.kind !== 'person') return 'A program’s word is no second pair of eyes: people approve.';
  const by = `${identity.kind}:${identity.name}`;
  const hash = rollout.approvals?.planHash ?? '';
  return whyNot(kind === 'approve' ? { kind, reason, by, hash } : { kind, reason, by }, rollout, nowMs);
}
