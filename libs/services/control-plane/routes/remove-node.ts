// SPDX-License-Identifier: GPL-2.0-only
import type { RemoveNodeRequest, RemoveNodeResponse } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { takeNodeOut, type NodeRemover } from '../agents/take-node-out';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';

/** The machine's certificate is no longer good, nothing waits for the node, and its name may join again. */
export async function removeNode(
  services: Uses<NodeRemover>,
  { name }: RemoveNodeRequest,
): Promise<RemoveNodeResponse> {
  const node = await takeNodeOut(services, parseNodeName(name), 'an operator');
  return { node: nodeToWire(node, false) };
}
