// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport, Problem } from '@lockstep/contracts/generated';
import { nodeStatusToWire } from '@lockstep/contracts/wire';
import { firstPreviousHash, type LogName } from '@lockstep/domain/load-order';
import type { Database } from '@lockstep/io/database';

export interface AgentHead {
  readonly headSeq: number;
  readonly headHash: string;
}

/** Why the agent's log is not a beginning of ours: then one of the two was restored from a backup, or is not ours. */
export async function findFork(
  db: Database,
  log: LogName,
  { headSeq, headHash }: AgentHead,
): Promise<Problem | undefined> {
  if (headSeq === 0 && (headHash === firstPreviousHash || headHash === '')) return undefined;
  const [entry] = headSeq === 0 ? [] : await db.loadOrders.entries(log, headSeq - 1);
  if (entry?.seq === headSeq && entry.hash === headHash) return undefined;
  const found = entry === undefined ? `ends before #${headSeq}` : `has another entry #${headSeq}`;
  return {
    reason: 'fork',
    message:
      `The node knows the load order up to #${headSeq} (${headHash.slice(0, 12)}…), which this control plane's ${found}. ` +
      "Was it restored from an old backup, or is the node another control plane's? Nothing is sent to it.",
  };
}

/** What is kept of a node that was turned away, so that operators see why. */
export function forkedReport(last: NodeReport | null, head: AgentHead, problem: Problem): NodeReport {
  const { position = 0, target = 0, stack = [], kernelConflicts = [], lastTransition, quarantine } = last ?? {};
  return {
    status: nodeStatusToWire('forked'),
    position,
    target,
    stack,
    kernelConflicts,
    lastTransition,
    quarantine,
    problem,
    ...head,
  };
}
