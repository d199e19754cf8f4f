// SPDX-License-Identifier: GPL-2.0-only
import type { ArtifactStore } from '@lockstep/io/artifact-store';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import type { Database } from '@lockstep/io/database';
import type { TraceMemory } from '@lockstep/platform/tracing';
import type { Logger } from 'pino';
import type { KnownAuthorities } from './access/known-authorities';
import type { KnownTokens } from './access/known-tokens';
import type { Admission } from './agents/admission';
import type { NodeLimits } from './agents/node-limits';
import type { AgentSessions } from './agents/agent-sessions';
import type { Transfers } from './agents/transfers';
import type { HeadTimes } from './agents/head-times';
import type { KnownLogs } from './agents/known-logs';
import type { NodeRevisions } from './agents/node-revisions';
import type { LogHeads } from './agents/log-heads';
import type { KnownNodes } from './agents/known-nodes';
import type { NodeOrders } from './agents/node-orders';
import type { RecentSwitches } from './agents/recent-switches';
import type { AuditLog } from './audit/audit-log';
import type { ChangeNotifier } from './change-notifier';
import type { ControlPlaneConfig } from './config';
import type { OpenCalls } from './grpc/open-calls';
import type { PlaneMetrics } from './monitoring/plane-metrics';
import type { EventDeriver } from './events/event-deriver';
import type { EventLog } from './events/event-log';
import type { WebhookSender } from './events/webhook-sender';
import type { FollowOthers } from './replicas/follow-others';
import type { Replica } from './replicas/replica';
import type { RolloutExecutor } from './rollouts/rollout-executor';
import type { KernelSharing } from './jobs/kernel-sharing';
import type { ArtifactEvictor } from './jobs/artifact-evictor';
import type { WorkTracker } from './jobs/work-tracker';

/** All there is to serve calls with; made once, by the module. No route takes all of it. */
export interface Services {
  readonly config: ControlPlaneConfig;
  readonly log: Logger;
  readonly db: Database;
  readonly authority: CertificateAuthority;
  readonly authorities: KnownAuthorities;
  readonly tokens: KnownTokens;
  readonly calls: OpenCalls;
  readonly audit: AuditLog;
  readonly artifacts: ArtifactStore;
  readonly evictor: ArtifactEvictor;
  readonly sharing: KernelSharing;
  readonly changes: ChangeNotifier;
  readonly work: WorkTracker;
  readonly nodes: KnownNodes;
  readonly revisions: NodeRevisions;
  readonly logs: KnownLogs;
  readonly heads: HeadTimes;
  readonly logHeads: LogHeads;
  readonly admission: Admission;
  readonly limits: NodeLimits;
  readonly transfers: Transfers;
  readonly sessions: AgentSessions;
  readonly switches: RecentSwitches;
  readonly orders: NodeOrders;
  readonly replica: Replica;
  /** Undefined where there are none. */
  readonly others: FollowOthers | undefined;
  readonly rollouts: RolloutExecutor;
  readonly metrics: PlaneMetrics;
  readonly traces: TraceMemory;
  readonly events: EventLog;
  readonly deriver: EventDeriver;
  readonly webhooks: WebhookSender;
}

type Part = Exclude<keyof Services, 'db'>;
type StoreOf<Need> = Need extends `db.${infer Store extends keyof Database}` ? Store : never;

/** Stores of the database, and no others. */
export type Stores<Store extends keyof Database> = Pick<Database, Store>;

/**
 * What a route can touch, so that its signature tells: stores of the database, as `db.nodes`, and other parts, as
 * `sessions`. What a helper of it needs is exported beside the helper.
 */
export type Uses<Need extends Part | `db.${keyof Database}`> = Pick<Services, Extract<Need, Part>> & {
  readonly db: Stores<StoreOf<Need>>;
};
