// SPDX-License-Identifier: GPL-2.0-only
import { seqZero } from '@lockstep/domain/livepatch-model';
import type { Domains } from './domains';
import { retiredAhead, type RetiredLoad } from './retired-loads';
import type { NodeFactsReport, NodePlan, NotYet, OpenWave, PlanStatus } from './rollout-plan';
import type { Placed } from './wave-state';

interface PlanWords {
  readonly status: PlanStatus;
  readonly openWave: OpenWave | null;
  readonly nowMs: number;
  readonly deadlineMs: number;
  /** Nothing may begin before enough people have approved. */
  readonly isPending: boolean;
  readonly retired: readonly RetiredLoad[];
  /** With those that start now. */
  readonly domains: Domains;
}

/** Nobody is only on its way who says why it does not get on; but what it said before it was let go may be cured by that. */
function whyOnItsWay(report: NodeFactsReport | null, wasReleased: boolean): NotYet {
  if (report === null) return { reason: 'silent' };
  const { position, problem } = report;
  return problem === null || !wasReleased ? { reason: 'moving', position } : { reason: 'stuck', position, problem };
}

/** Whose turn it is, and who has no room: in its failure domain, or in its wave. */
function whyNoRoom(node: Placed, domains: Domains): NotYet {
  if (!domains.isFull(node)) return { reason: 'waiting-for-budget' };
  const { name, onTheWay, failures, unmeasured, atMost } = domains.of(node);
  const unknown = unmeasured === 0 ? {} : { unmeasured };
  return { reason: 'waiting-for-domain', domain: name, onTheWay, failures, ...unknown, atMost };
}

function whyNotStarted(node: Placed, { status, openWave, isPending, retired, domains }: PlanWords): NotYet {
  const { wave, gate, facts, awaitsBaseline } = node;
  switch (status) {
    case 'halted':
    case 'paused':
    case 'aborted':
      return { reason: `rollout-${status}` };
    case 'running':
    case 'succeeded':
      break;
  }
  const ahead = status === 'succeeded' ? retiredAhead(retired, facts.report?.position ?? seqZero) : [];
  if (ahead.length > 0) return { reason: 'retired', entries: ahead };
  const isItsTurn = wave === null ? status === 'succeeded' : wave <= (openWave?.wave ?? Infinity);
  if (isItsTurn && isPending) return { reason: 'waiting-for-approval' };
  if (isItsTurn && gate.kind !== 'open') return { reason: 'waiting-for-window', closed: gate };
  if (isItsTurn && awaitsBaseline) return { reason: 'waiting-for-baseline' };
  if (wave === null && !isItsTurn) return { reason: 'late' };
  if (openWave === null || isItsTurn) return whyNoRoom(node, domains);
  return openWave.wave === 0 ? { reason: 'waiting-for-canary' } : { reason: 'waiting-for-wave', wave: openWave.wave };
}

function reasonOf(node: Placed, was: NodePlan | undefined, words: PlanWords, isPast: boolean): NotYet | null {
  const { standing, facts } = node;
  const problem = facts.report?.problem ?? 'the agent gave no reason';
  switch (standing) {
    case 'there':
      return null;
    case 'on-its-way':
      return whyOnItsWay(facts.report, was?.released === true);
    case 'overdue':
      return { reason: 'overdue', position: facts.report?.position ?? seqZero };
    case 'ready':
      return whyNotStarted(node, words);
    case 'failed':
      return { reason: 'failed', problem };
    case 'crashed':
      return facts.report?.status === 'quarantined'
        ? { reason: 'quarantined', problem }
        : { reason: 'unwell', problem: facts.report?.trouble?.message ?? problem };
    case 'unwell':
      return { reason: 'unwell', problem: facts.report?.trouble?.message ?? problem };
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
      return { reason: standing, problem };
    case 'obstructed':
      return { reason: standing, problem: node.obstacles.fatal.join(' ') };
    case 'probing':
      return { reason: standing };
    case 'probe-failed':
    case 'unhealthy':
    case 'unmeasured':
      return { reason: standing, problem: node.probeProblem ?? problem };
    case 'lost':
    case 'disconnected':
    case 'silent':
      return { reason: isPast ? 'unreachable' : standing };
  }
}

const away: ReadonlySet<string> = new Set(['lost', 'disconnected', 'silent', 'unreachable']);

/** Who is away is away for one time, whatever that is called meanwhile. */
const kindOf = (reason: string | undefined): string =>
  reason === undefined ? 'there' : away.has(reason) ? 'away' : reason;

/**
 * Since when it is as it is, in ms: from the plan before, if it was so then; of one that is away, since it was heard last.
 * A time that lies ahead, after a clock was put back, counts as now.
 */
function sinceWhen({ facts }: Placed, reason: string | undefined, was: NodePlan | undefined, nowMs: number): number {
  const kind = kindOf(reason);
  if (was !== undefined && kindOf(was.notYet?.reason) === kind) return Math.min(was.sinceMs, nowMs);
  return kind === 'away' ? Math.min(facts.lastSeenMs ?? nowMs, nowMs) : nowMs;
}

const failureReason = ({ standing, facts }: Placed): string =>
  standing !== 'crashed' ? standing : facts.report?.status === 'quarantined' ? 'quarantined' : 'unwell';

/** Since when a node is held out or has failed. */
export const awaySinceMs = (node: Placed, was: NodePlan | undefined, nowMs: number): number =>
  sinceWhen(node, failureReason(node), was, nowMs);

/** Why a node is not there, and since when. */
export function whyNotYet(
  node: Placed,
  was: NodePlan | undefined,
  words: PlanWords,
): Pick<NodePlan, 'notYet' | 'sinceMs'> {
  const isPast = words.nowMs - awaySinceMs(node, was, words.nowMs) >= words.deadlineMs;
  const notYet = reasonOf(node, was, words, isPast);
  return { notYet, sinceMs: sinceWhen(node, notYet?.reason, was, words.nowMs) };
}
