// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { KeptCall, NodeRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

/** What taking a node out needs. */
export type NodeRemover = 'db.nodes' | 'sessions' | 'rollouts' | 'log';

/**
 * Forgets a node: ends its stream, and with its row its certificate; then once more, for a stream that came in between.
 * @throws LockstepError `not-found` `unknown-node`.
 */
export async function takeNodeOut(
  { db, sessions, rollouts, log }: Uses<NodeRemover>,
  name: NodeName,
  by: 'an operator' | 'silence',
  call?: KeptCall<NodeRecord>,
): Promise<NodeRecord> {
  const message = `Node "${name}" was removed: let it join again if it is to come back (lockstep node join).`;
  const close = (): void => {
    sessions.find(name)?.close(new LockstepError('forbidden', 'node-removed', message, { node: name }));
  };
  close();
  const node = await db.nodes.remove(name, call);
  close();
  log.warn({ node: name, cluster: node.cluster, lastSeenAt: node.lastSeenAt, by }, 'node removed');
  rollouts.wake(node.cluster);
  return node;
}
