// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { counts, type Approvals } from './approvals';
import type { PlanStatus } from './rollout-plan';

/** What an operator may say to a rollout. */
export type RolloutOrder =
  /** Who is on the way finishes, nobody starts. */
  | { readonly kind: 'pause'; readonly reason: string }
  /** Goes on; what had stopped it, and nothing else, is no reason to stop again. */
  | { readonly kind: 'resume'; readonly reason: string }
  /** Stops for good, and stays where it is. */
  | { readonly kind: 'abort'; readonly reason: string }
  /** A person's word for what is planned, by its hash. */
  | { readonly kind: 'approve'; readonly reason: string; readonly by: string; readonly hash: string }
  /** A person's word against it: it ends. */
  | { readonly kind: 'reject'; readonly reason: string; readonly by: string }
  /** These nodes, or all that failed, are waited for once more. */
  | { readonly kind: 'retry'; readonly reason: string; readonly nodes: readonly NodeName[] };

export type OrderRefusal =
  | { readonly reason: 'rollout-ended'; readonly status: PlanStatus }
  | { readonly reason: 'not-running'; readonly status: PlanStatus }
  | { readonly reason: 'not-stopped' }
  | { readonly reason: 'reason-needed' }
  | { readonly reason: 'patch-retired' }
  | { readonly reason: 'out-of-time' }
  | { readonly reason: 'not-failed'; readonly node: NodeName }
  | { readonly reason: 'quarantined'; readonly node: NodeName }
  | { readonly reason: 'nobody-failed' }
  | { readonly reason: 'no-approval-needed' }
  | { readonly reason: 'own-approval'; readonly by: string }
  | { readonly reason: 'not-an-approver'; readonly by: string; readonly among: readonly string[] }
  | { readonly reason: 'approved-already'; readonly by: string }
  | { readonly reason: 'other-plan'; readonly hash: string };

interface OrderedNode {
  readonly node: NodeName;
  readonly notYet: { readonly reason: string } | null;
}

/** What of a plan decides whether an order makes sense. */
export interface OrderedPlan {
  readonly status: PlanStatus;
  readonly halt: { readonly reason: string } | null;
  readonly nodes: readonly OrderedNode[];
  readonly approvals?: Approvals | undefined;
}

const canTryAgain = (reason: string | undefined): boolean =>
  reason === 'failed' ||
  reason === 'unwell' ||
  reason === 'probe-failed' ||
  reason === 'overdue' ||
  reason === 'unreachable' ||
  reason === 'lost';

/** The nodes that a retry is about. */
export const retried = ({ nodes }: OrderedPlan, named: readonly NodeName[]): readonly NodeName[] =>
  nodes
    .filter(({ node, notYet }) => (named.length === 0 || named.includes(node)) && canTryAgain(notYet?.reason))
    .map(({ node }) => node);

function refuseRetry(plan: OrderedPlan, named: readonly NodeName[]): OrderRefusal | undefined {
  for (const node of named) {
    const reason = plan.nodes.find((planned) => planned.node === node)?.notYet?.reason;
    if (reason === 'quarantined') return { reason, node };
    if (!canTryAgain(reason)) return { reason: 'not-failed', node };
  }
  return retried(plan, named).length === 0 ? { reason: 'nobody-failed' } : undefined;
}

function refuseApproval(
  order: Extract<RolloutOrder, { kind: 'approve' | 'reject' }>,
  { approvals }: OrderedPlan,
  nowMs: number,
): OrderRefusal | undefined {
  const { by, kind } = order;
  if (approvals === undefined || approvals.begun) return { reason: 'no-approval-needed' };
  const { author, among, given, hash } = approvals;
  if (among.length > 0 && !among.includes(by)) return { reason: 'not-an-approver', by, among };
  if (kind === 'reject') return order.reason === '' ? { reason: 'reason-needed' } : undefined;
  if (by === author) return { reason: 'own-approval', by };
  if (order.hash !== hash) return { reason: 'other-plan', hash };
  return given.some((each) => each.by === by && counts(each, approvals, nowMs))
    ? { reason: 'approved-already', by }
    : undefined;
}

/** Why an order makes no sense to a rollout as it is. */
export function refuseOrder(order: RolloutOrder, plan: OrderedPlan, nowMs: number): OrderRefusal | undefined {
  const { status, approvals } = plan;
  // One that had nothing to begin was asked for none: who comes late begins with them.
  const mayApprove = order.kind === 'approve' && approvals?.begun === false;
  if (status === 'aborted' || (status === 'succeeded' && order.kind !== 'retry' && !mayApprove)) {
    return { reason: 'rollout-ended', status };
  }
  switch (order.kind) {
    case 'pause':
      return status === 'running' ? undefined : { reason: 'not-running', status };
    case 'resume':
      if (status === 'running') return { reason: 'not-stopped' };
      if (plan.halt?.reason === 'retired') return { reason: 'patch-retired' };
      if (plan.halt?.reason === 'out-of-time') return { reason: 'out-of-time' };
      return status === 'halted' && order.reason === '' ? { reason: 'reason-needed' } : undefined;
    case 'abort':
      return undefined;
    case 'approve':
    case 'reject':
      return refuseApproval(order, plan, nowMs);
    case 'retry':
      return status === 'halted' ? { reason: 'not-running', status } : refuseRetry(plan, order.nodes);
  }
}

/** Says it in words, with what to type next. */
export function explainOrderRefusal(refusal: OrderRefusal, order: RolloutOrder, id: string): string {
  switch (refusal.reason) {
    case 'rollout-ended':
      return `Rollout ${id} has ${refusal.status}: start another with \`lockstep rollout start\`.`;
    case 'not-running':
      return refusal.status === 'halted' && order.kind === 'retry'
        ? `Rollout ${id} is halted: \`lockstep rollout resume ${id} --reason TEXT\` first, then retry.`
        : `Rollout ${id} is ${refusal.status} already: \`lockstep rollout show ${id}\` says why.`;
    case 'not-stopped':
      return `Rollout ${id} is running: there is nothing to resume.`;
    case 'patch-retired':
      return `Rollout ${id} goes to what was retired meanwhile: \`lockstep rollout start\` goes to the head, \`lockstep rollout rollback ${id}\` undoes it.`;
    case 'out-of-time':
      return `Rollout ${id} was an emergency, and its time has passed: start another with \`lockstep rollout start\`.`;
    case 'reason-needed':
      if (order.kind === 'reject') return `Say why, with --reason TEXT: whoever asked for rollout ${id} is told.`;
      return `Rollout ${id} halted by itself: say why it may go on, \`lockstep rollout resume ${id} --reason TEXT\`.`;
    case 'not-failed':
      return `Node ${refusal.node} has not failed in rollout ${id}: \`lockstep rollout show ${id}\` names those that have.`;
    case 'quarantined':
      return `Node ${refusal.node} did not survive: \`lockstep node release ${refusal.node}\` lets it load that again.`;
    case 'nobody-failed':
      return `No node of rollout ${id} has failed that could be tried again.`;
    case 'no-approval-needed':
      return `Rollout ${id} waits for nobody's approval: \`lockstep rollout show ${id}\` says what it waits for.`;
    case 'own-approval':
      return `${refusal.by} asked for rollout ${id}, and nobody approves what they ask for themselves: let somebody else.`;
    case 'not-an-approver':
      return `${refusal.by} is none of those whose approval counts here: ${refusal.among.join(', ')}.`;
    case 'approved-already':
      return `${refusal.by} has approved this plan of rollout ${id} already: it takes other people.`;
    case 'other-plan':
      return `What is planned is another plan now: look with \`lockstep rollout show ${id}\`, then approve it by --plan ${refusal.hash}.`;
  }
}

/** The status that an order leads to, before what is known of the nodes is looked at. */
export function statusAfter(status: PlanStatus, order: RolloutOrder | undefined): PlanStatus {
  switch (order?.kind) {
    case undefined:
    case 'retry':
    case 'approve':
      return status;
    case 'reject':
      return 'aborted';
    case 'pause':
      return status === 'running' ? 'paused' : status;
    case 'resume':
      return status === 'paused' || status === 'halted' ? 'running' : status;
    case 'abort':
      return status === 'succeeded' ? status : 'aborted';
  }
}
