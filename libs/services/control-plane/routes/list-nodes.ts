// SPDX-License-Identifier: GPL-2.0-only
import type { ListNodesRequest, ListNodesResponse } from '@lockstep/contracts/generated';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import type { Services } from '../services';
import { nodeToWire } from '../views/node-view';

export async function listNodes({ db, sessions }: Services, request: ListNodesRequest): Promise<ListNodesResponse> {
  const name = request.cluster === '' ? undefined : parseClusterName(request.cluster);
  const cluster = name === undefined ? undefined : (await db.clusters.require(name)).name;
  const nodes = await db.nodes.list(cluster);
  return { nodes: nodes.map((node) => nodeToWire(node, sessions.isConnected(node.name))) };
}
