// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, isHeldOutStatus, type HeldOutStatus, type Seq } from '@lockstep/domain/livepatch-model';
import { nodeObstacles, type NodeObstacles } from './node-obstacles';
import type { PlannedLoad } from './planned-load';
import type { NodeFacts, NodeFactsReport, NodePlan } from './rollout-plan';

/**
 * Where a node stands in a rollout:
 * - `there`: connected, holding the position's stack (or a later one);
 * - `on-its-way`: released, or sent to the same position by an earlier rollout;
 * - `ready`: could be released now;
 * - `obstructed`: could, but its kernel would refuse what it is to load;
 * - `failed`: could not reach the position, and this rollout is why;
 * - `lost`: released, gone since;
 * - the rest are held out: no wave waits for them.
 */
export type Standing =
  | 'there'
  | 'on-its-way'
  | 'ready'
  | 'failed'
  | 'lost'
  | 'disconnected'
  | 'silent'
  | HeldOutStatus
  | 'failed-before'
  | 'obstructed';

export interface NodeStanding {
  readonly facts: NodeFacts;
  readonly standing: Standing;
  readonly released: boolean;
  readonly failedBefore: boolean;
  readonly obstacles: NodeObstacles;
}

/** No wave waits for such a node, and none sends it anywhere. */
export function isHeldOut(standing: Standing): boolean {
  switch (standing) {
    case 'disconnected':
    case 'silent':
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
    case 'failed-before':
    case 'obstructed':
      return true;
    case 'there':
    case 'on-its-way':
    case 'ready':
    case 'failed':
    case 'lost':
      return false;
  }
}

/** A crash on the way is no better than any other failure. */
export const hasFailed = ({ status }: NodeFactsReport): boolean => status === 'failed' || status === 'quarantined';

/** Could not reach the position that it was sent to, or cannot so much as be sent there. */
function hasFailedAt(report: NodeFactsReport | null, toSeq: Seq): boolean {
  return report !== null && hasFailed(report) && (report.target >= toSeq || report.takesNoTarget === true);
}

function standingOf(facts: NodeFacts, toSeq: Seq, released: boolean, failedBefore: boolean): Standing {
  const { report, connected } = facts;
  if (report !== null && isHeldOutStatus(report.status) && hasStrayLog(report.status)) return report.status;
  if (hasFailedAt(report, toSeq)) return failedBefore ? 'failed-before' : 'failed';
  if (!connected) return released ? 'lost' : 'disconnected';
  if (report === null) return released ? 'on-its-way' : 'silent';
  if (isHeldOutStatus(report.status)) return report.status;
  if (report.status === 'in-step' && report.position >= toSeq) return 'there';
  return released ? 'on-its-way' : 'ready';
}

/** What the facts say of a node, with what the parent plan (if it knew the node) had decided. */
export function nodeStanding(
  facts: NodeFacts,
  toSeq: Seq,
  before: NodePlan | undefined,
  loads: readonly PlannedLoad[] = [],
): NodeStanding {
  const { report } = facts;
  const sentHere = report !== null && report.target >= toSeq;
  const failedHere = hasFailedAt(report, toSeq);
  const released = before?.released === true || sentHere;
  // One that fails before it may move does not fail because of this rollout.
  const failedBefore = failedHere && (!released || (before?.failedBefore ?? true));
  const obstacles = nodeObstacles(report, loads);
  const standing = standingOf(facts, toSeq, released, failedBefore);
  const isObstructed = standing === 'ready' && obstacles.fatal.length > 0;
  return { facts, released, failedBefore, obstacles, standing: isObstructed ? 'obstructed' : standing };
}
