// SPDX-License-Identifier: GPL-2.0-only
import type { LabelNodesRequest, LabelNodesResponse } from '@lockstep/contracts/generated';
import { insistMay, theNode } from '@lockstep/domain/access';
import { changeLabels, labelsOfEntries, parseLabelKey, type LabelChange, type Labels } from '@lockstep/domain/labels';
import { LockstepError, parseNodeName, type NodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';

/** One statement, and one answer, for all of them. */
const mostNodes = 1_000;

function parseNames(names: readonly string[]): NodeName[] {
  const parsed = [...new Set(names.map(parseNodeName))];
  if (parsed.length > 0 && parsed.length <= mostNodes) return parsed;
  const message = `Name 1 to ${mostNodes} nodes to label at once, not ${parsed.length}.`;
  throw new LockstepError('invalid-input', 'invalid-nodes', message, { nodes: parsed.length });
}

function parseChange({ set, remove, overwrite }: LabelNodesRequest): LabelChange {
  const change = { set: labelsOfEntries(Object.entries(set)), remove: remove.map(parseLabelKey), overwrite };
  const both = change.remove.find((key) => change.set.has(key));
  if (both !== undefined) {
    const message = `The label ${both} is to be set and removed: say one of the two.`;
    throw new LockstepError('invalid-input', 'invalid-label', message, { key: both });
  }
  if (change.set.size + change.remove.length > 0) return change;
  throw new LockstepError('invalid-input', 'no-labels', 'Say which labels: KEY=VALUE sets one, KEY- removes one.');
}

/**
 * Operators' labels, of all the nodes named or of none. Whatever plans by labels plans anew. Whoever has rights to nodes by their
 * labels takes none out of these.
 */
export async function labelNodes(
  { nodes, sessions, rollouts, replica, log }: Uses<'nodes' | 'sessions' | 'rollouts' | 'replica' | 'log'>,
  request: LabelNodesRequest,
  { kept, caller }: KeepingContext<LabelNodesResponse>,
): Promise<LabelNodesResponse> {
  const names = parseNames(request.names);
  const change = parseChange(request);
  const answer = (labelled: readonly NodeRecord[]): LabelNodesResponse => ({
    nodes: labelled.map((node) => nodeToWire(node, sessions.isConnected(node.name))),
  });
  const changed = (node: NodeRecord): Labels => {
    const assigned = changeLabels(node.name, node.labels, change);
    insistMay(caller.identity, 'admit', theNode({ ...node, labels: { ...node.labels, assigned } }));
    return assigned;
  };
  const labelled = await nodes.label(names, changed, kept(answer));
  for (const cluster of new Set(labelled.map((node) => node.cluster))) rollouts.wake(cluster);
  for (const { name } of labelled) replica.announce({ kind: 'node', node: name });
  log.info({ nodes: names, set: request.set, remove: request.remove }, 'nodes labelled');
  return answer(labelled);
}
