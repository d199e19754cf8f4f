// SPDX-License-Identifier: GPL-2.0-only
import type { ReleaseNodeRequest, ReleaseNodeResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';

/**
 * Keeps an operator's word for a node that is connected; the node has it in its journal then. It names the crash that
 * the node reports, so that it cannot release a crash which nobody has seen yet.
 * @throws LockstepError `refused` `not-quarantined`; `unavailable` `node-away`.
 */
export async function releaseNode(
  { nodes, sessions, orders }: Uses<'nodes' | 'sessions' | 'orders'>,
  { name }: ReleaseNodeRequest,
): Promise<ReleaseNodeResponse> {
  const { name: node, report } = nodes.require(parseNodeName(name));
  const quarantine = report?.quarantine;
  if (quarantine === undefined) {
    const message = `Node ${node} is not quarantined: there is nothing to release.`;
    throw new LockstepError('refused', 'not-quarantined', message, { node });
  }
  // It was released before: it is on trial.
  if (quarantine.released) return { quarantine };
  const { crashedBootId } = quarantine;
  if (!sessions.isConnected(node)) {
    const message = `Node ${node} is not connected: release it when it is.`;
    throw new LockstepError('unavailable', 'node-away', message, { node });
  }
  await orders.give({ kind: 'release', node, crashedBootId });
  return { quarantine };
}
