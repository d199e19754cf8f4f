// SPDX-License-Identifier: GPL-2.0-only
import { NodeStatus, type NodeReport } from '@lockstep/contracts/generated';
import { parseSeq, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { NodeCondition, NodeFacts, NodeFactsReport } from '@lockstep/domain/rollout-planner';
import type { Database, NodeRecord } from '@lockstep/io/database';
import type { AgentSessions } from '../agents/agent-sessions';

function conditionOf(status: NodeStatus): NodeCondition | undefined {
  switch (status) {
    case NodeStatus.NODE_STATUS_IN_STEP:
      return 'in-step';
    case NodeStatus.NODE_STATUS_MOVING:
      return 'moving';
    case NodeStatus.NODE_STATUS_FAILED:
      return 'failed';
    case NodeStatus.NODE_STATUS_DIVERGED:
      return 'diverged';
    case NodeStatus.NODE_STATUS_FORKED:
      return 'forked';
    case NodeStatus.NODE_STATUS_UNSPECIFIED:
      return undefined;
  }
}

function reportFacts(report: NodeReport | null): NodeFactsReport | null {
  const condition = report === null ? undefined : conditionOf(report.status);
  if (report === null || condition === undefined) return null;
  const { position, target, problem } = report;
  return { condition, position: parseSeq(position), target: parseSeq(target), problem: problem?.message ?? null };
}

function factsOf(node: NodeRecord, sessions: AgentSessions, nowMs: number): NodeFacts {
  return {
    node: node.name,
    kernelBuild: node.kernelBuild,
    connected: sessions.countsAsConnected(node.name, nowMs),
    report: reportFacts(node.report),
  };
}

/** The inventory that plans are made from: the only step of planning that reads. */
export async function gatherInventory(
  db: Database,
  sessions: AgentSessions,
  cluster: ClusterName,
  nowMs: number,
): Promise<NodeFacts[]> {
  return (await db.nodes.list(cluster)).map((node) => factsOf(node, sessions, nowMs));
}
