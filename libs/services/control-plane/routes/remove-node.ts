// SPDX-License-Identifier: GPL-2.0-only
import type { RemoveNodeRequest, RemoveNodeResponse } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { takeNodeOut, type NodeRemover } from '../agents/take-node-out';
import type { NodeRecord } from '@lockstep/io/database';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';

/** The machine's certificate is no longer good, nothing waits for the node, and its name may join again. */
export async function removeNode(
  services: Uses<NodeRemover>,
  { name }: RemoveNodeRequest,
  { kept }: KeepingContext<RemoveNodeResponse>,
): Promise<RemoveNodeResponse> {
  const answer = (node: NodeRecord) => ({ node: nodeToWire(node, false) });
  return answer(await takeNodeOut(services, parseNodeName(name), kept(answer)));
}
