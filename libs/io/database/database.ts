// SPDX-License-Identifier: GPL-2.0-only
import { accessTokenStore, type AccessTokenStore } from './access-tokens';
import { authorityStore, type AuthorityStore } from './authorities';
import { auditStore, type AuditStore } from './audit';
import { artifactReferences, type ArtifactReferences } from './artifact-references';
import { buildStore, type BuildStore } from './builds';
import { campaignStore, type CampaignStore } from './campaigns';
import { callAnswerStore, type CallAnswerStore } from './call-answers';
import { createClient, openPool } from './client';
import { clusterStore, type ClusterStore } from './clusters';
import { endWithinTime } from './connection';
import { explainDatabaseError } from './database-errors';
import { eventStore, type EventStore } from './events';
import { joinTokenStore, type JoinTokenStore } from './join-tokens';
import { keyBindingStore, type KeyBindingStore } from './key-binding';
import { kernelBuildStore, registrationStore, type KernelBuildStore, type RegistrationStore } from './kernel-builds';
import { kernelCopyStore, type KernelCopyStore } from './kernel-copies';
import { loadOrderStore, type LoadOrderStore } from './load-orders';
import { migrateDatabase } from './migrate';
import { nodeOrderStore, type NodeOrderStore } from './node-orders';
import { nodeStore, type NodeStore } from './nodes';
import { patchStore, type PatchStore } from './patches';
import { Prepared } from './prepared';
import { replicaStore, type ReplicaStore } from './replicas';
import { rolloutStore, type RolloutStore } from './rollouts';
import { serverFacts, type ServerFactsStore } from './server-facts';
import { scheduleStore, type ScheduleStore } from './schedules';
import { webhookStore, type WebhookStore } from './webhooks';
import { SoleControlPlane, type SoleOptions } from './sole-control-plane';
import type { OnStatement } from './timed-adapter';

export interface Database {
  readonly clusters: ClusterStore;
  readonly joinTokens: JoinTokenStore;
  readonly nodes: NodeStore;
  readonly nodeOrders: NodeOrderStore;
  readonly kernelBuilds: KernelBuildStore;
  readonly registrations: RegistrationStore;
  readonly kernelCopies: KernelCopyStore;
  readonly patches: PatchStore;
  readonly builds: BuildStore;
  readonly loadOrders: LoadOrderStore;
  readonly rollouts: RolloutStore;
  readonly campaigns: CampaignStore;
  readonly schedules: ScheduleStore;
  readonly replicas: ReplicaStore;
  readonly references: ArtifactReferences;
  readonly keys: KeyBindingStore;
  readonly authorities: AuthorityStore;
  readonly callAnswers: CallAnswerStore;
  readonly accessTokens: AccessTokenStore;
  readonly audit: AuditStore;
  readonly events: EventStore;
  readonly webhooks: WebhookStore;
  readonly server: ServerFactsStore;
  close(): Promise<void>;
}

export interface DatabaseOptions extends SoleOptions {
  /** The folder of this version's migrations; found by itself if undefined. */
  readonly migrations?: string | undefined;
  readonly onStatement?: OnStatement | undefined;
}

/** Under the lock alone: the schema is another one's until that one has gone. */
async function openStores(
  sole: SoleControlPlane,
  { url, migrations, onStatement }: DatabaseOptions,
): Promise<Database> {
  await migrateDatabase(url, migrations);
  const pool = openPool(url);
  const client = createClient(pool, onStatement);
  const prepared = new Prepared(pool, onStatement);
  return {
    clusters: clusterStore(client),
    joinTokens: joinTokenStore(client, prepared),
    nodes: nodeStore(client, prepared),
    nodeOrders: nodeOrderStore(client),
    kernelBuilds: kernelBuildStore(client),
    registrations: registrationStore(client),
    kernelCopies: kernelCopyStore(client),
    patches: patchStore(client),
    builds: buildStore(client),
    loadOrders: loadOrderStore(client, prepared),
    rollouts: rolloutStore(client),
    campaigns: campaignStore(client),
    schedules: scheduleStore(client),
    replicas: replicaStore(client),
    references: artifactReferences(client),
    keys: keyBindingStore(client),
    authorities: authorityStore(client),
    callAnswers: callAnswerStore(client),
    accessTokens: accessTokenStore(client),
    audit: auditStore(client, prepared),
    events: eventStore(client),
    webhooks: webhookStore(client),
    server: serverFacts(client),
    close: async () => {
      await endWithinTime(async () => {
        await client.$disconnect();
        await pool.end();
      });
      await sole.close();
    },
  };
}

/**
 * Makes this process the database's only control plane (or one of several, `isShared`), brings the schema up to date, and opens the stores.
 * @throws LockstepError `unavailable` `database-unavailable`, `refused` `already-running`, or why a migration cannot be.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  let sole: SoleControlPlane | undefined;
  try {
    sole = await SoleControlPlane.become(options);
    return await openStores(sole, options);
  } catch (error) {
    await sole?.close();
    throw explainDatabaseError(error);
  }
}
