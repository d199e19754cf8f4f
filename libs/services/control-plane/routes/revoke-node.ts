// SPDX-License-Identifier: GPL-2.0-only
import type { RevokeNodeRequest, RevokeNodeResponse } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import { certificateRevoked } from '../agents/peer-identity';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';

/** At once: what is under way with the node's certificate ends, and no call is let in with it. */
export async function revokeNode(
  { nodes, calls, replica, log }: Uses<'nodes' | 'calls' | 'replica' | 'log'>,
  { name }: RevokeNodeRequest,
  { kept }: KeepingContext<RevokeNodeResponse>,
): Promise<RevokeNodeResponse> {
  const node = parseNodeName(name);
  const answer = (record: NodeRecord): RevokeNodeResponse => ({ node: nodeToWire(record, false) });
  const revoked = await nodes.revoke(node, kept(answer));
  calls.endOf(node, certificateRevoked(node));
  replica.announce({ kind: 'node', node });
  log.warn({ node }, 'certificate revoked');
  return answer(revoked);
}
