// SPDX-License-Identifier: GPL-2.0-only
import { concerns, describeObstacle, isFatalTo, seqZero } from '@lockstep/domain/livepatch-model';
import type { PlannedLoad } from './planned-load';
import type { NodeFactsReport } from './rollout-plan';

/** What a node has told that is in the way of what it has yet to load; for people. */
export interface NodeObstacles {
  /** Its kernel will refuse the load. */
  readonly fatal: readonly string[];
  /** The transition may be held up, or the load be refused where the module is not signed or a name is not clear. */
  readonly possible: readonly string[];
}

const none: NodeObstacles = { fatal: [], possible: [] };

export function nodeObstacles(report: NodeFactsReport | null, loads: readonly PlannedLoad[]): NodeObstacles {
  if (loads.length === 0) return none;
  const functions = loads.filter(({ seq }) => seq > (report?.position ?? seqZero)).flatMap((load) => load.functions);
  if (functions.length === 0) return none;
  const inTheWay = (report?.obstacles ?? []).filter((obstacle) => concerns(obstacle, functions));
  const told = (areFatal: boolean): string[] =>
    inTheWay
      .filter((obstacle) => isFatalTo(obstacle, functions) === areFatal)
      .map((obstacle) => describeObstacle(obstacle, functions));
  return { fatal: told(true), possible: told(false) };
}
