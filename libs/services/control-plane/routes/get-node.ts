// SPDX-License-Identifier: GPL-2.0-only
import type { GetNodeRequest, GetNodeResponse } from '@lockstep/contracts/generated';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';
import { nodeToWire } from '../views/node-view';

/** All that is known of it: also what lists leave out. */
export function getNode(
  { nodes, sessions, switches }: Uses<'nodes' | 'sessions' | 'switches'>,
  request: GetNodeRequest,
): GetNodeResponse {
  const node = nodes.require(parseNodeName(request.name));
  return {
    node: {
      ...nodeToWire(node, sessions.isConnected(node.name)),
      certificateFingerprint: node.certificateFingerprint,
      certificateEndsAt: node.certificateEndsAt ?? undefined,
      recentTransitions: [...switches.of(node.name)],
    },
  };
}
