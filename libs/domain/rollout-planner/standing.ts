// SPDX-License-Identifier: GPL-2.0-only
import { hasStrayLog, isHeldOutStatus, seqZero, type HeldOutStatus, type Seq } from '@lockstep/domain/livepatch-model';
import type { Gate, Gates } from '@lockstep/domain/schedule';
import { nodeObstacles, type NodeObstacles } from './node-obstacles';
import type { PlannedLoad } from './planned-load';
import { underProbes, type ProbeContext, type ProbedAs, type ProbeWord } from './probe-standing';
import { retiredAhead, type RetiredLoad } from './retired-loads';
import type { NodeFacts, NodeFactsReport, NodePlan } from './rollout-plan';

/**
 * Where a node stands in a rollout:
 * - `there`: connected, holding the position's stack (or a later one);
 * - `on-its-way`: released, or sent to the same position by an earlier rollout;
 * - `ready`: could be released now, or could when its load may begin;
 * - `obstructed`: could, but its kernel would refuse what it is to load;
 * - `failed`: could not reach the position;
 * - `crashed`: its host did not survive it;
 * - `unwell`: there or on its way, and its kernel has complained since it was let go;
 * - `lost`: released, gone since;
 * - `overdue`: on its way for longer than is waited for;
 * - `probing`: holding the position, and not all of its probes have been run there;
 * - `probe-failed`: holding the position, and one of its probes fails;
 * - `unmeasured`: one of its probes cannot be measured;
 * - `unhealthy`: one of its probes fails, and it has not been let go;
 * - the rest are held out: no wave waits for them.
 */
export type Standing =
  | 'on-its-way'
  | 'failed'
  | 'crashed'
  | 'unwell'
  | 'lost'
  | 'overdue'
  | ProbedAs
  | 'disconnected'
  | 'silent'
  | HeldOutStatus
  | 'obstructed';

export interface NodeStanding extends ProbeWord {
  readonly facts: NodeFacts;
  readonly standing: Standing;
  readonly released: boolean;
  readonly excused: boolean;
  readonly unwellBefore: boolean;
  readonly triesAgain: boolean;
  readonly triesSinceMs: number | undefined;
  readonly troubleBefore: string | undefined;
  readonly obstacles: NodeObstacles;
  /** Whether its load may begin now. */
  readonly gate: Gate;
}

/** Burns its wave's budget, and counts against what is allowed. */
export const isFailure = (standing: Standing): boolean =>
  standing === 'failed' ||
  standing === 'crashed' ||
  standing === 'unwell' ||
  standing === 'lost' ||
  standing === 'overdue' ||
  standing === 'probe-failed';

export const countsAsFailure = ({ standing, excused }: NodeStanding): boolean => isFailure(standing) && !excused;

/** No wave waits for such a node, and none sends it anywhere. */
export function isHeldOut({ standing, excused }: NodeStanding): boolean {
  switch (standing) {
    case 'disconnected':
    case 'silent':
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
    case 'obstructed':
    case 'unhealthy':
    case 'unmeasured':
      return true;
    case 'failed':
    case 'crashed':
    case 'unwell':
    case 'lost':
    case 'overdue':
    case 'probe-failed':
      return excused;
    case 'there':
    case 'probing':
    case 'on-its-way':
    case 'ready':
      return false;
  }
}

/** A crash on the way is no better than any other failure. */
export const hasFailed = ({ status }: NodeFactsReport): boolean => status === 'failed' || status === 'quarantined';

/** Could not reach the position that it was sent to, or cannot so much as be sent there. */
function hasFailedAt(report: NodeFactsReport | null, toSeq: Seq): report is NodeFactsReport {
  return report !== null && hasFailed(report) && (report.target >= toSeq || report.takesNoTarget === true);
}

export interface StandingContext {
  readonly toSeq: Seq;
  readonly deadlineMs: number;
  readonly nowMs: number;
  readonly loads: readonly PlannedLoad[];
  readonly gates: Gates;
  /** What nobody wants loaded any more. */
  readonly retired: readonly RetiredLoad[];
  /** The rollout takes another one back. */
  readonly undoes: boolean;
  readonly probing: ProbeContext;
  /** Whether the node's wave has not passed, so that it is still judged. */
  readonly isOpenTo: (before: NodePlan | undefined) => boolean;
}

/** Without a look at how long that has been so. @param triesAgain its failure is not looked at */
function standingOf(facts: NodeFacts, toSeq: Seq, released: boolean, triesAgain: boolean): Standing {
  const { report, connected } = facts;
  if (report !== null && isHeldOutStatus(report.status) && hasStrayLog(report.status)) return report.status;
  if (hasFailedAt(report, toSeq) && !triesAgain) return report.status === 'quarantined' ? 'crashed' : 'failed';
  if (!connected) return released ? 'lost' : 'disconnected';
  if (report === null) return released ? 'on-its-way' : 'silent';
  if (isHeldOutStatus(report.status)) return report.status;
  if (report.status === 'in-step' && report.position >= toSeq) return 'there';
  return released ? 'on-its-way' : 'ready';
}

/** A failure is no news where it was there before the node was let go, and stays none while it lasts. */
function isExcused(standing: Standing, before: NodePlan | undefined): boolean {
  if (standing === 'unmeasured') return before?.excused === true;
  if (!isFailure(standing)) return false;
  if (before === undefined) return true;
  // Whoever goes on without a node that could not be measured excuses nothing that is known of it later.
  if (before.excused) return before.notYet?.reason !== 'unmeasured';
  return !before.released && (standing === 'failed' || standing === 'crashed');
}

/** Who was unwell when what did that began to be taken back need not get well by it: no news until it has. */
function wasUnwellBefore(standing: Standing, before: NodePlan | undefined, report: NodeFactsReport | null): boolean {
  if (standing === 'there') return false;
  return before === undefined ? report !== null && hasFailed(report) : before.unwellBefore === true;
}

/** What the facts say of a node, with what the parent plan (if it knew the node) had decided. */
export function nodeStanding(
  facts: NodeFacts,
  before: NodePlan | undefined,
  { toSeq, deadlineMs, nowMs, loads, gates, retired, undoes, probing, isOpenTo }: StandingContext,
): NodeStanding {
  const { report } = facts;
  const released = before?.released === true || (report !== null && report.target >= toSeq);
  // A crash is not tried again before the node itself is released.
  const triesAgain = before?.triesAgain === true && hasFailedAt(report, toSeq) && report.status === 'failed';
  const obstacles = nodeObstacles(report, loads);
  const troubleBefore = before?.released === true ? before.troubleBefore : report?.trouble?.id;
  let standing = standingOf(facts, toSeq, released, triesAgain);
  const isTroubled = report?.trouble !== undefined && report.trouble.id !== troubleBefore;
  if (isTroubled && (standing === 'there' || standing === 'on-its-way')) {
    standing = report.trouble.kind === 'oops' ? 'crashed' : 'unwell';
  }
  if (standing === 'ready' && obstacles.fatal.length > 0) standing = 'obstructed';
  const gate = gates.of(facts.labels);
  const isKept = gate.kind !== 'open' || retiredAhead(retired, report?.position ?? seqZero).length > 0;
  // What it was sent it has not taken up, and is not to begin now: it is sent again when it may.
  if (standing === 'on-its-way' && isKept && (report?.target ?? seqZero) < toSeq) standing = 'ready';
  // A clock that was put back makes nobody late, nor gives more than the whole time anew.
  const triesSinceMs = standing === 'on-its-way' ? Math.min(before?.triesSinceMs ?? nowMs, nowMs) : undefined;
  if (triesSinceMs !== undefined && nowMs - triesSinceMs > deadlineMs) standing = 'overdue';
  const probed: ProbeWord & { readonly standing: Standing } =
    standing === 'there' || standing === 'ready'
      ? underProbes(standing, report, before, isOpenTo(before), probing)
      : { standing, awaitsBaseline: false, probesAgain: undefined };
  standing = probed.standing;
  const unwellBefore = undoes && wasUnwellBefore(standing, before, report);
  // Nor need anybody know how it is.
  const excused = isExcused(standing, before) || (unwellBefore && (isFailure(standing) || standing === 'unmeasured'));
  const { awaitsBaseline, measuresSinceMs, probeProblem, probesAgain } = probed;
  // Each of it once, as in a plan: thousands of these are made each second.
  return {
    facts,
    standing,
    awaitsBaseline,
    measuresSinceMs,
    probeProblem,
    probesAgain,
    released,
    excused,
    unwellBefore,
    triesSinceMs,
    troubleBefore,
    triesAgain: triesAgain || probesAgain === true,
    obstacles,
    gate,
  };
}
