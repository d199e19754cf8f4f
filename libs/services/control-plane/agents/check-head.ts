// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport, Problem } from '@lockstep/contracts/generated';
import { nodeStatusToWire } from '@lockstep/contracts/wire';
import { firstPreviousHash, type LogName } from '@lockstep/domain/load-order';
import type { KnownLogs } from './known-logs';

export interface AgentHead {
  readonly headSeq: number;
  readonly headHash: string;
}

/**
 * How the log that an agent knows stands to ours: a beginning of it (or all of it), another history, or one that goes
 * on where ours ends, if the agent can prove it.
 */
export type HeadVerdict =
  { readonly kind: 'ours' } | { readonly kind: 'fork'; readonly problem: Problem } | { readonly kind: 'beyond' };

const showHead = ({ headSeq, headHash }: AgentHead): string => `#${headSeq} (${headHash.slice(0, 12)}…)`;

/** A problem of a node whose log and ours are two histories. */
export function forkProblem(head: AgentHead, found: string): Problem {
  const message =
    `The node knows the load order up to ${showHead(head)}, ${found} ` +
    'Two histories cannot become one, and nothing is sent to it. Is it the node of another control plane, or was ' +
    'something appended after this one was restored from a backup? To begin anew: `lockstep node remove`, empty its ' +
    "agent's state folder, reboot, `lockstep node join`.";
  return { reason: 'fork', message };
}

/** A problem of ours, really: that node holds what we have lost. */
export function aheadProblem({ cluster, kernelBuild }: LogName, ourHead: number, head: AgentHead): Problem {
  const message =
    `The node knows the load order up to ${showHead(head)}, signed by this control plane, which itself has it only up ` +
    `to #${ourHead}: it was restored from an older backup. Take the lost entries back, before anything is appended: ` +
    `lockstep order recover --cluster ${cluster} --kernel-build ${kernelBuild}`;
  return { reason: 'ahead', message };
}

export async function judgeHead(logs: KnownLogs, log: LogName, head: AgentHead): Promise<HeadVerdict> {
  const { headSeq, headHash } = head;
  if (headSeq === 0 && (headHash === firstPreviousHash || headHash === '')) return { kind: 'ours' };
  const entry = headSeq === 0 ? undefined : (await logs.entries(log))[headSeq - 1];
  if (entry?.hash === headHash) return { kind: 'ours' };
  if (entry === undefined && headSeq > 0) return { kind: 'beyond' };
  return { kind: 'fork', problem: forkProblem(head, `but this control plane has another entry #${headSeq}.`) };
}

/** What is kept of a node that was turned away, so that operators see why. */
export function forkedReport(last: NodeReport | null, head: AgentHead, problem: Problem): NodeReport {
  const {
    position = 0,
    target = 0,
    stack = [],
    kernelConflicts = [],
    lastTransition,
    quarantine,
    bootId = '',
    kept = [],
    obstacles = [],
    trouble,
    probes = [],
    heardHead,
    trust,
  } = last ?? {};
  return {
    status: nodeStatusToWire('forked'),
    position,
    target,
    stack,
    kernelConflicts,
    lastTransition,
    quarantine,
    bootId,
    kept,
    obstacles,
    trouble,
    probes,
    heardHead,
    trust,
    problem,
    ...head,
  };
}
