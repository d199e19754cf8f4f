// SPDX-License-Identifier: GPL-2.0-only
import type { Seq } from '@lockstep/domain/livepatch-model';
import { judgeProbes } from '@lockstep/domain/probes';
import type { NodeFactsReport, NodePlan } from './rollout-plan';

export interface ProbeContext {
  /** As `showProbe` writes them; none: nothing is looked at. */
  readonly wanted: readonly string[];
  readonly toSeq: Seq;
  readonly deadlineMs: number;
  readonly nowMs: number;
  /** What takes another rollout back waits for nobody to be well before. */
  readonly needsBaseline: boolean;
}

/** Of a node that without its probes would be `there`, or `ready` to start. */
export type ProbedAs = 'there' | 'probing' | 'probe-failed' | 'ready' | 'unhealthy' | 'unmeasured';

export interface ProbeWord {
  /** It may not start before its probes have passed where it is. */
  readonly awaitsBaseline: boolean;
  /** Since when verdicts are waited for, in ms; undefined where they are not. */
  readonly measuresSinceMs?: number | undefined;
  /** What its probes say against it. */
  readonly probeProblem?: string | undefined;
  /** They say so still, and somebody wants it waited for once more. */
  readonly probesAgain?: true | undefined;
}

/** @param isOpen whether its wave may still be judged by it */
export function underProbes(
  standing: 'there' | 'ready',
  report: NodeFactsReport | null,
  before: NodePlan | undefined,
  isOpen: boolean,
  { wanted, toSeq, deadlineMs, nowMs, needsBaseline }: ProbeContext,
): ProbeWord & { readonly standing: ProbedAs } {
  const isAfter = standing === 'there';
  const isAsked = wanted.length > 0 && (isAfter ? isOpen : needsBaseline);
  if (!isAsked) return { standing, awaitsBaseline: false };
  const judged = judgeProbes(wanted, report?.probes ?? [], (position) => position >= toSeq === isAfter);
  const [waits, fails] = isAfter ? (['probing', 'probe-failed'] as const) : (['ready', 'unhealthy'] as const);
  const reason = before?.notYet?.reason;
  const isSame = reason === (isAfter ? 'probing' : 'waiting-for-baseline');
  const measuresSinceMs = isSame && before !== undefined ? Math.min(before.sinceMs, nowMs) : nowMs;
  const isOver = nowMs - measuresSinceMs > deadlineMs;
  switch (judged.kind) {
    case 'pass':
      return { standing, awaitsBaseline: false };
    case 'fail':
      // Of who was there when that was said: the first word after a load is nobody's second try.
      return isAfter && before?.triesAgain === true && before.position >= toSeq && !isOver
        ? { standing: 'probing', awaitsBaseline: false, measuresSinceMs, probesAgain: true }
        : { standing: fails, awaitsBaseline: false, probeProblem: judged.problem };
    case 'error':
      return { standing: 'unmeasured', awaitsBaseline: false, probeProblem: judged.problem };
    case 'awaited':
      // What nobody says in time is not known, and stays so until somebody says it.
      return isOver || reason === 'unmeasured'
        ? { standing: 'unmeasured', awaitsBaseline: false, probeProblem: judged.problem }
        : { standing: waits, awaitsBaseline: !isAfter, measuresSinceMs };
  }
}
