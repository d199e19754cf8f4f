// SPDX-License-Identifier: GPL-2.0-only
import { retried } from './rollout-order';
import type { NodePlan, NotYet, RolloutPlan, WavePlan } from './rollout-plan';
import type { PlanRequest } from './plan-request';

const failures: ReadonlySet<NotYet['reason']> = new Set([
  'failed',
  'quarantined',
  'unwell',
  'lost',
  'overdue',
  'probe-failed',
] as const);

/** As it was planned: it burns its wave's budget, and counts against what is allowed. */
export function countedAsFailure({ notYet, released, excused }: NodePlan): boolean {
  if (excused) return false;
  const reason = notYet?.reason;
  return (reason !== undefined && failures.has(reason)) || (reason === 'unreachable' && released);
}

/** Whoever goes on does so despite what has stopped it, and nothing else: a pause by a person stood in no way. */
function isDespite({ status, halt, waiting }: RolloutPlan): (node: NodePlan) => boolean {
  if (status === 'halted') return (node) => halt?.reason !== 'gate' && countedAsFailure(node);
  const isUnknown = waiting?.reason === 'inconclusive' && waiting.what.kind !== 'gate';
  return ({ notYet }) => isUnknown && notYet?.reason === 'unmeasured';
}

/** Whoever goes on despite a gate goes on despite it for all of that wave. */
function wavesUnderResume({ waves, halt, waiting }: RolloutPlan): readonly WavePlan[] {
  const what = waiting?.reason === 'inconclusive' ? waiting.what : null;
  const waived = halt?.reason === 'gate' ? halt.wave : what?.kind === 'gate' ? what.wave : undefined;
  return waves.map((each, wave) => (wave === waived ? { ...each, gatesWaived: true } : each));
}

/** What was decided of nodes, as an operator's order changes it. */
export function parentUnderOrder({ parent, order, inventory, nowMs }: PlanRequest): RolloutPlan | null {
  if (parent === null || order === undefined) return parent;
  switch (order.kind) {
    case 'pause':
    case 'abort':
    case 'approve':
    case 'reject':
      return parent;
    case 'resume': {
      const excuses = isDespite(parent);
      return {
        ...parent,
        waves: wavesUnderResume(parent),
        nodes: parent.nodes.map((node) => (excuses(node) ? { ...node, excused: true } : node)),
      };
    }
    case 'retry': {
      const again = new Set(retried(parent, order.nodes));
      const troubles = new Map(inventory.map(({ node, report }) => [node, report?.trouble?.id]));
      const anew = {
        excused: false,
        unwellBefore: undefined,
        triesAgain: true,
        triesSinceMs: nowMs,
        sinceMs: nowMs,
      } as const;
      return {
        ...parent,
        nodes: parent.nodes.map((node) =>
          again.has(node.node) ? { ...node, ...anew, troubleBefore: troubles.get(node.node) } : node,
        ),
      };
    }
  }
}
