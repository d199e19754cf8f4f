// SPDX-License-Identifier: GPL-2.0-only
import type { LabelKey } from '@lockstep/domain/labels';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeFacts, RolloutPlan, RolloutPolicy } from '@lockstep/domain/rollout-planner';

/** Who may be a canary, and how many of a zone may be under way or unwell, told once more. */
export class SpreadLaw {
  constructor(private readonly policy: RolloutPolicy) {}

  /** Chosen by label, nobody else is ever a canary. */
  checkCanaries({ nodes }: RolloutPlan, facts: readonly NodeFacts[]): string[] {
    const { canarySelector } = this.policy;
    if (canarySelector === undefined) return [];
    const fit = new Set(facts.flatMap((each) => (`tier=${tierOf(each)}` === canarySelector ? [each.node] : [])));
    return nodes.flatMap(({ node, wave }) => (wave === 0 && !fit.has(node) ? [`${node} is no ${canarySelector}`] : []));
  }

  /** @param busy who is under way or unwell @param starts who starts now beside them */
  checkZones(facts: readonly NodeFacts[], busy: ReadonlySet<NodeName>, starts: readonly NodeName[]): string[] {
    const { spread } = this.policy;
    if (spread === undefined) return [];
    return [...new Set(facts.map(zoneOf))].flatMap((zone) => {
      const its = facts.filter((each) => zoneOf(each) === zone).map(({ node }) => node);
      const starting = its.filter((node) => starts.includes(node)).length;
      const used = starting + its.filter((node) => busy.has(node)).length;
      // So many hundredths of a node, but for the one that may always go.
      const most = 'nodes' in spread.atMost ? spread.atMost.nodes * 100 : spread.atMost.percent * its.length;
      const isTooMany = used * 100 > Math.max(100, most);
      return starting > 0 && isTooMany ? [`zone ${zone}: ${used} of ${its.length} under way or unwell`] : [];
    });
  }
}

const tierOf = ({ labels }: NodeFacts): string => labels?.get('tier' as LabelKey) ?? '';
const zoneOf = ({ labels }: NodeFacts): string => labels?.get('zone' as LabelKey) ?? '';
