// SPDX-License-Identifier: GPL-2.0-only
import type { ReleaseNodeRequest, ReleaseNodeResponse } from '@lockstep/contracts/generated';
import { LockstepError, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { Uses } from '../services';

/**
 * Passes an operator's word on to a node that is connected; the node keeps it in its journal. It names the crash that
 * the node reports, so that it cannot release a crash which nobody has seen yet.
 * @throws LockstepError `refused` `not-quarantined`; `unavailable` `node-away`.
 */
export function releaseNode(
  { nodes, sessions, replica }: Uses<'nodes' | 'sessions' | 'replica'>,
  { name }: ReleaseNodeRequest,
): ReleaseNodeResponse {
  const { name: node, report } = nodes.require(parseNodeName(name));
  const quarantine = report?.quarantine;
  if (quarantine === undefined) {
    const message = `Node ${node} is not quarantined: there is nothing to release.`;
    throw new LockstepError('refused', 'not-quarantined', message, { node });
  }
  // It was released before: it is on trial.
  if (quarantine.released) return { quarantine };
  const { crashedBootId } = quarantine;
  const session = sessions.find(node);
  if (session === undefined && sessions.isConnected(node)) {
    // Whoever holds its stream passes it on; it is said again where that was lost.
    replica.announce({ kind: 'release', node, crashedBootId });
    return { quarantine };
  }
  if (session === undefined) {
    const message = `Node ${node} is not connected: release it when it is.`;
    throw new LockstepError('unavailable', 'node-away', message, { node });
  }
  session.release(crashedBootId);
  return { quarantine };
}
