// SPDX-License-Identifier: GPL-2.0-only
import type { DomainState } from './domains';
import { isAwaited } from './explain-not-yet';
import { countedAsFailure } from './parent-under-order';
import type { NodePlan, RolloutPlan } from './rollout-plan';
import type { RolloutPolicy } from './rollout-policy';
import { sizeOf } from './share';

const isUnknown = ({ notYet, released, excused }: NodePlan): boolean =>
  notYet?.reason === 'unmeasured' && released && !excused;

const isOnItsWay = (node: NodePlan): boolean =>
  node.notYet !== null && node.released && isAwaited(node.notYet) && node.notYet.reason !== 'unmeasured';

/** Each failure domain as a plan has it, by name; none where it is not spread. */
export function domainProgress({ nodes }: RolloutPlan, { spread }: RolloutPolicy): DomainState[] {
  if (spread === undefined) return [];
  const members = new Map<string, NodePlan[]>();
  for (const node of nodes) {
    const { domain = '' } = node;
    members.set(domain, [...(members.get(domain) ?? []), node]);
  }
  return [...members]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, all]) => ({
      ...{ name, nodes: all.length, atMost: sizeOf(spread.atMost, all.length) },
      onTheWay: all.filter((node) => isOnItsWay(node) && !countedAsFailure(node)).length,
      failures: all.filter(countedAsFailure).length,
      unmeasured: all.filter(isUnknown).length,
    }));
}
