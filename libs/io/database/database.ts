// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { Client as PgClient } from 'pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { artifactReferences, type ArtifactReferences } from './artifact-references';
import { buildStore, type BuildStore } from './builds';
import { createClient, explainDatabaseError } from './client';
import { clusterStore, type ClusterStore } from './clusters';
import { joinTokenStore, type JoinTokenStore } from './join-tokens';
import { kernelBuildStore, registrationStore, type KernelBuildStore, type RegistrationStore } from './kernel-builds';
import { kernelCopyStore, type KernelCopyStore } from './kernel-copies';
import { loadOrderStore, type LoadOrderStore } from './load-orders';
import { migrateDatabase } from './migrate';
import { nodeStore, type NodeStore } from './nodes';
import { patchStore, type PatchStore } from './patches';
import { rolloutStore, type RolloutStore } from './rollouts';

export interface Database {
  readonly clusters: ClusterStore;
  readonly joinTokens: JoinTokenStore;
  readonly nodes: NodeStore;
  readonly kernelBuilds: KernelBuildStore;
  readonly registrations: RegistrationStore;
  readonly kernelCopies: KernelCopyStore;
  readonly patches: PatchStore;
  readonly builds: BuildStore;
  readonly loadOrders: LoadOrderStore;
  readonly rollouts: RolloutStore;
  readonly references: ArtifactReferences;
  close(): Promise<void>;
}

/** Any number, as long as it stays: every control plane asks for the same. */
const soleControlPlaneLockId = 1_280_261_963;
const lockTimeoutMs = 5000;

/**
 * Makes this process the database's only control plane. The lock is the connection's: a killed process loses it at
 * once, and `onLost` tells a living one that the server went away under it.
 */
async function holdAlone(url: string, onLost: (error: Error) => void): Promise<PgClient> {
  const client = new PgClient({ connectionString: url, connectionTimeoutMillis: 10_000, keepAlive: true });
  client.on('error', onLost);
  await client.connect();
  const deadline = performance.now() + lockTimeoutMs;
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1) AS held', [
      soleControlPlaneLockId,
    ]);
    if (rows[0]?.held === true) return client;
    if (performance.now() < deadline) {
      await sleep(100);
      continue;
    }
    await client.end();
    throw new LockstepError(
      'refused',
      'already-running',
      'Another control plane works on this database: stop it first, there is one for now.',
    );
  }
}

export interface DatabaseOptions {
  readonly url: string;
  /** The connection that makes us the only control plane is gone: stop, and start anew. */
  readonly onLost: (error: Error) => void;
}

/**
 * Brings the schema up to date and opens the stores.
 * @throws LockstepError `unavailable` `database-unavailable`, `refused` `already-running`, or why a migration cannot be.
 */
export async function openDatabase({ url, onLost }: DatabaseOptions): Promise<Database> {
  try {
    await migrateDatabase(url);
    const lock = await holdAlone(url, onLost);
    const client = createClient(url);
    return {
      clusters: clusterStore(client),
      joinTokens: joinTokenStore(client),
      nodes: nodeStore(client),
      kernelBuilds: kernelBuildStore(client),
      registrations: registrationStore(client),
      kernelCopies: kernelCopyStore(client),
      patches: patchStore(client),
      builds: buildStore(client),
      loadOrders: loadOrderStore(client),
      rollouts: rolloutStore(client),
      references: artifactReferences(client),
      close: async () => {
        lock.removeAllListeners('error').on('error', () => undefined);
        await client.$disconnect();
        await lock.end();
      },
    };
  } catch (error) {
    throw explainDatabaseError(error);
  }
}
