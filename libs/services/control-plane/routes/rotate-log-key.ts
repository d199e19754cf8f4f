// SPDX-License-Identifier: GPL-2.0-only
import type { RotateLogKeyRequest, RotateLogKeyResponse } from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseClusterName, type KernelBuildId } from '@lockstep/domain/livepatch-model';
import { insistAllRead, introducesKey, type LogEntry } from '@lockstep/domain/load-order';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { logKeyRotated } from '../events/operator-events';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { insistNobodyAhead, tellOfEntries, type Appender } from './append-entry';

/** Kernels that nodes run already: their load orders begin with the new key too, so that no agent is left with the old one. */
async function kernelBuildsOfNodes(
  { nodes, db }: Uses<'nodes' | 'db.kernelBuilds'>,
  cluster: LogEntry['cluster'],
): Promise<KernelBuildId[]> {
  const registered = new Set((await db.kernelBuilds.list()).map(({ id }) => id));
  const running = nodes.list(cluster).flatMap(({ kernelBuild }) => (kernelBuild === null ? [] : [kernelBuild]));
  return [...new Set(running)].filter((id) => registered.has(id));
}

/**
 * A new key signs the cluster's load orders from now on: the key first, on disk, then one entry in each of them, in one
 * transaction. Cut off in between there is a key more that nothing is signed with.
 * @throws LockstepError `refused` `members-ahead`, `members-cannot-read`, `no-load-order`.
 */
export async function rotateLogKey(
  services: Uses<Appender | 'db.clusters' | 'db.kernelBuilds' | 'events'>,
  request: RotateLogKeyRequest,
  { kept }: KeepingContext<RotateLogKeyResponse>,
): Promise<RotateLogKeyResponse> {
  const { db, nodes, authority, events, log: logger } = services;
  const { name: cluster } = await db.clusters.require(parseClusterName(request.cluster));
  const members = nodes.list(cluster);
  const also = await kernelBuildsOfNodes(services, cluster);
  const logs = [...new Set([...also, ...(await db.loadOrders.kernelBuilds(cluster))])].map((kernelBuild) => ({
    cluster,
    kernelBuild,
  }));
  for (const log of logs) {
    const ofLog = members.filter(({ kernelBuild }) => kernelBuild === log.kernelBuild);
    insistNobodyAhead(log, ofLog);
  }
  insistAllRead(introducesKey, members);
  if (logs.length === 0) {
    const message = `Cluster "${cluster}" has no load order as yet: the first key has signed nothing for it.`;
    throw new LockstepError('refused', 'no-load-order', message, { cluster });
  }
  const key = await authority.logKeys.create();
  const answer = (entries: readonly LogEntry[]): RotateLogKeyResponse => ({
    entries: entries.map(entryToWire),
    publicKey: key,
  });
  const { sign } = authority.logKeys;
  const rotating = db.loadOrders.rotate(cluster, { key, also, hash: sha256OfBytes, sign, call: kept(answer) });
  const entries = await rotating.finally(() => {
    // Also where the answer was lost.
    for (const log of logs) tellOfEntries(services, log);
  });
  await events.record([logKeyRotated(cluster, sha256OfBytes(Buffer.from(key)), entries)]);
  logger.warn({ cluster, entries: entries.map(({ kernelBuild, seq }) => `${kernelBuild} #${seq}`) }, 'log key rotated');
  return answer(entries);
}
