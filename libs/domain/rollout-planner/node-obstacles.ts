// SPDX-License-Identifier: GPL-2.0-only
import { concerns, consequenceOf, seqZero, type Obstacle } from '@lockstep/domain/livepatch-model';
import type { PlannedLoad } from './planned-load';
import type { NodeFactsReport } from './rollout-plan';

/** What a node has told that is in the way of what it has yet to load. */
export interface NodeObstacles {
  /** Its kernel will refuse the load. */
  readonly fatal: readonly Obstacle[];
  /** The transition may be held up, or the load be refused where the module is not signed. */
  readonly possible: readonly Obstacle[];
}

export function nodeObstacles(report: NodeFactsReport | null, loads: readonly PlannedLoad[]): NodeObstacles {
  const functions = loads.filter(({ seq }) => seq > (report?.position ?? seqZero)).flatMap((load) => load.functions);
  if (functions.length === 0) return { fatal: [], possible: [] };
  const inTheWay = (report?.obstacles ?? []).filter((obstacle) => concerns(obstacle, functions));
  const isFatal = ({ kind }: Obstacle): boolean => consequenceOf(kind) === 'refused';
  return { fatal: inTheWay.filter(isFatal), possible: inTheWay.filter((obstacle) => !isFatal(obstacle)) };
}
