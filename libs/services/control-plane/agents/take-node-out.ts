// SPDX-License-Identifier: GPL-2.0-only
import type { NodeName } from '@lockstep/domain/livepatch-model';
import type { KeptCall, NodeRecord } from '@lockstep/io/database';
import type { Uses } from '../services';
import { cutOff } from './cut-off';

/** What taking a node out needs. */
export type NodeRemover = 'nodes' | 'sessions' | 'switches' | 'calls' | 'rollouts' | 'replica' | 'log';

function noteRemoval(
  { sessions, switches, rollouts, replica, log }: Uses<'sessions' | 'switches' | 'rollouts' | 'replica' | 'log'>,
  { name: node, cluster, lastSeenAt }: NodeRecord,
  by: 'an operator' | 'silence',
): void {
  log.warn({ node, cluster, lastSeenAt, by }, 'node removed');
  switches.forget(node);
  sessions.forget(node);
  replica.announce({ kind: 'node', node });
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
