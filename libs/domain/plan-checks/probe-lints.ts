// SPDX-License-Identifier: GPL-2.0-only
import { showProbe, triesUntilError } from '@lockstep/domain/probes';
import type { NodeFacts, NodePlan, PlanRequest } from '@lockstep/domain/rollout-planner';

export type ProbeWord = 'pass' | 'fail' | 'error' | 'none';

/** The worst of what is known of all its probes where it stands, before its load or after it. */
export function probeWord(facts: NodeFacts | undefined, { policy }: PlanRequest, isAfter: boolean): ProbeWord {
  const results = (facts?.report?.probes ?? []).filter(({ position }) => position >= policy.toSeq === isAfter);
  const words = policy.probing.probes.map((probe): ProbeWord => {
    const found = results.find((each) => each.probe === showProbe(probe));
    if (found?.verdict === 'error' && found.inARow < triesUntilError) return 'none';
    return found?.verdict ?? 'none';
  });
  const worst: readonly ProbeWord[] = ['fail', 'error', 'none'];
  return worst.find((word) => words.includes(word)) ?? 'pass';
}

/** After its wave has passed nobody asks how it is. */
export function isProven(facts: NodeFacts | undefined, { wave }: NodePlan, request: PlanRequest): boolean {
  const { parent } = request;
  // Who has taken another's place is in an earlier wave than before, and none that has passed.
  const isOver = wave === null || parent?.waves[wave]?.passedAtMs != null;
  return isOver || probeWord(facts, request, true) === 'pass';
}

/** It is not sent, or could not be measured: no wave waits for it. When it was waited for long enough is the plan's word. */
export function isLeftOut({ report, ...facts }: NodeFacts, { notYet }: NodePlan, request: PlanRequest): boolean {
  const { toSeq, undoes } = request.policy;
  const isAfter = (report?.position ?? 0) >= toSeq;
  const word = probeWord({ ...facts, report }, request, isAfter);
  if (notYet?.reason === 'unmeasured' && (word === 'error' || word === 'none')) return true;
  return (report?.target ?? 0) < toSeq && undoes === undefined && (word === 'fail' || word === 'error');
}
