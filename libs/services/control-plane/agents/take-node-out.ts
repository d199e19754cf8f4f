// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type NodeName } from '@lockstep/domain/livepatch-model';
import type { KeptCall, NodeRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

/** What taking a node out needs. */
export type NodeRemover = 'nodes' | 'sessions' | 'calls' | 'rollouts' | 'log';

/** Ends the node's stream, if it has one, and all else that is under way for it: its downloads go on for minutes. */
function cutOff({ sessions, calls }: Uses<'sessions' | 'calls'>, name: NodeName): void {
  const message = `Node "${name}" was removed: let it join again if it is to come back (lockstep node join).`;
  const reason = new LockstepError('forbidden', 'node-removed', message, { node: name });
  sessions.find(name)?.close(reason);
  calls.endOf(name, reason);
}

function noteRemoval(
  { rollouts, log }: Uses<'rollouts' | 'log'>,
  { name: node, cluster, lastSeenAt }: NodeRecord,
  by: 'an operator' | 'silence',
): void {
  log.warn({ node, cluster, lastSeenAt, by }, 'node removed');
  rollouts.wake(cluster);
}

/**
 * Forgets a node: ends its stream, and with its row its certificate; then once more, for a stream that came in between.
 * @throws LockstepError `not-found` `unknown-node`.
 */
export async function takeNodeOut(
  services: Uses<NodeRemover>,
  name: NodeName,
  call: KeptCall<NodeRecord> | undefined,
): Promise<NodeRecord> {
  cutOff(services, name);
  const node = await services.nodes.remove(name, call);
  cutOff(services, name);
  noteRemoval(services, node, 'an operator');
  return node;
}

/** The same for one that was silent for too long, unless it speaks up at this very moment. */
export async function takeSilentNodeOut(services: Uses<NodeRemover>, name: NodeName): Promise<void> {
  const node = await services.nodes.removeSilent(name);
  if (node === undefined) return;
  cutOff(services, name);
  noteRemoval(services, node, 'silence');
}
