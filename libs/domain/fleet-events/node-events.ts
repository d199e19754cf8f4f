// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import type { EventType, FleetEvent } from './fleet-event';

/**
 * How a node is, as somebody who is woken cares: `diverged` holds all that its load order does not explain (a foreign
 * livepatch, another history, a word that cannot be true); `withheld` is well but has heard for a day of no end of its load order.
 */
export type NodeCondition = 'well' | 'withheld' | 'failed' | 'quarantined' | 'diverged' | 'lost';

export interface ShownCondition {
  readonly node: NodeName;
  readonly cluster: ClusterName;
  readonly condition: NodeCondition;
  /** In words, the node's own where it has some. */
  readonly problem: string;
  /** Where it is, by its last report. */
  readonly position: number;
}

const types = {
  well: 'node.recovered',
  withheld: 'node.head-overdue',
  failed: 'node.failed',
  quarantined: 'node.quarantined',
  diverged: 'node.diverged',
  lost: 'node.lost',
} as const satisfies Record<NodeCondition, EventType>;

/** The condition that the last event of a node told; well where there was none. */
export const toldConditionOf = (last: EventType | undefined): NodeCondition =>
  (Object.keys(types) as NodeCondition[]).find((condition) => types[condition] === last) ?? 'well';

/** What there is to tell of a node that was told to be as `told`; nothing while it stays so. @param after seq of the event that told it */
export function nodeEvents(shown: ShownCondition, told: NodeCondition, after: number): FleetEvent[] {
  const { node, cluster, condition, problem, position } = shown;
  if (condition === told) return [];
  const message = condition === 'well' ? `Node ${node} is well again, at #${position}.` : `Node ${node}: ${problem}`;
  return [
    {
      ...{ key: `node ${node} after ${after}`, type: types[condition], cluster, subject: node, message },
      data: { node, cluster, position, problem, before: told },
    },
  ];
}
