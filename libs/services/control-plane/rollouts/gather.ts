// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import { nodeStatusFromWire, obstacleFromWire, probeResultFromWire, troubleFromWire } from '@lockstep/contracts/wire';
import { effectiveLabels } from '@lockstep/domain/labels';
import { parseSeq, type ClusterName } from '@lockstep/domain/livepatch-model';
import { takesNoTarget } from '@lockstep/domain/node-state';
import type { NodeFacts, NodeFactsReport } from '@lockstep/domain/rollout-planner';
import type { NodeRecord } from '@lockstep/io/database';
import type { AgentSessions } from '../agents/agent-sessions';
import type { KnownNodes } from '../agents/known-nodes';
import { remembering } from '../remembering';
import { steadyTimeMs } from '../steady-time';

// What is known of a node is told anew with each word of it, and is not changed: nine of ten looks find what the last one found.
const labelsOf = remembering(effectiveLabels);

const reportFacts = remembering((report: NodeReport): NodeFactsReport | null => {
  const status = nodeStatusFromWire(report.status);
  if (status === undefined) return null;
  const { position, target, problem } = report;
  // A report that an earlier version kept has none.
  const obstacles = ((report.obstacles as typeof report.obstacles | undefined) ?? []).flatMap(obstacleFromWire);
  const probes = ((report.probes as typeof report.probes | undefined) ?? []).map(probeResultFromWire);
  return {
    status,
    position: parseSeq(position),
    target: parseSeq(target),
    problem: problem?.message ?? null,
    takesNoTarget: problem !== undefined && takesNoTarget(problem.reason),
    ...(obstacles.length > 0 ? { obstacles } : {}),
    ...(probes.length > 0 ? { probes } : {}),
    ...(report.trouble && { trouble: troubleFromWire(report.trouble) }),
  };
});

function factsOf(node: NodeRecord, sessions: AgentSessions, nowMs: number): NodeFacts {
  return {
    node: node.name,
    kernelBuild: node.kernelBuild,
    connected: sessions.countsAsConnected(node.name, nowMs),
    report: node.report === null ? null : reportFacts(node.report),
    labels: labelsOf(node.labels),
    // What is heard here is told by the clock that plans go by: the one on the wall may be set in between.
    lastSeenMs: node.heardAtMs === undefined ? node.lastSeenAt?.getTime() : steadyTimeMs(node.heardAtMs),
  };
}

/** The inventory that plans are made from: what nodes said last, whether it is written already or not. */
export function gatherInventory(
  nodes: Pick<KnownNodes, 'list'>,
  sessions: AgentSessions,
  cluster: ClusterName,
  nowMs: number,
): NodeFacts[] {
  return nodes.list(cluster).map((node) => factsOf(node, sessions, nowMs));
}
