// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import type { NodeName } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import { openDatabase, startEmbeddedPostgres, type Database } from '@lockstep/io/database';
import {
  chooseQueueServer,
  openDeliveryQueue,
  openJobQueue,
  type DeliveryQueueOptions,
  type JobQueue,
  type Lane,
  type QueueServer,
} from '@lockstep/io/job-queue';
import { TraceMemory } from '@lockstep/platform/tracing';
import type { Logger } from 'pino';
import { openAdminToken } from './access/admin-token';
import { KnownAuthorities } from './access/known-authorities';
import { KnownTokens } from './access/known-tokens';
import { Admission } from './agents/admission';
import { NodeLimits } from './agents/node-limits';
import { NodeRevisions } from './agents/node-revisions';
import { AgentSessions } from './agents/agent-sessions';
import { Transfers } from './agents/transfers';
import { fetchWindowMs } from './agents/fetch-window';
import { HeadTimes } from './agents/head-times';
import { KnownLogs, traceOfEntry } from './agents/known-logs';
import { KnownNodes } from './agents/known-nodes';
import { LogHeads } from './agents/log-heads';
import { NodeOrders } from './agents/node-orders';
import { RecentSwitches } from './agents/recent-switches';
import { certificateRevoked } from './agents/peer-identity';
import { returnWindowMs } from './agents/return-time';
import { AuditLog } from './audit/audit-log';
import { ChangeNotifier } from './change-notifier';
import type { ControlPlaneConfig } from './config';
import { EventDeriver } from './events/event-deriver';
import { EventLog } from './events/event-log';
import { NodeWatch } from './events/node-watch';
import { WebhookSender } from './events/webhook-sender';
import { OpenCalls } from './grpc/open-calls';
import { Servers } from './grpc/servers';
import type { PlaneMetrics } from './monitoring/plane-metrics';
import type { PlaneReadiness } from './monitoring/plane-readiness';
import { FollowOthers } from './replicas/follow-others';
import { LivingReplica } from './replicas/living-replica';
import { soleReplica, type Replica } from './replicas/replica';
import { metricsAsker } from './rollouts/metrics-asker';
import { RolloutExecutor } from './rollouts/rollout-executor';
import { keysPlaceOf } from './initialise';
import { openKeys } from './open-keys';
import type { Services } from './services';
import type { Teardown } from './teardown';
import { KernelSharing } from './jobs/kernel-sharing';
import { ArtifactEvictor } from './jobs/artifact-evictor';
import { WorkTracker } from './jobs/work-tracker';

export const databaseUrlToken = Symbol('databaseUrl');
export const servicesToken = Symbol('services');
export const serversToken = Symbol('servers');
const databaseToken = Symbol('database');
const authorityToken = Symbol('authority');
const artifactsToken = Symbol('artifacts');
const queueToken = Symbol('queue');
const backgroundToken = Symbol('background queue');

export interface ModuleParts {
  readonly config: ControlPlaneConfig;
  readonly log: Logger;
  /** What is opened is closed again through it, last first. */
  readonly teardown: Teardown;
  /** It is to stop before it has started: nothing more is opened. */
  readonly stopping: AbortSignal;
  readonly metrics: PlaneMetrics;
  readonly readiness: PlaneReadiness;
  /** Something the control plane cannot go on without is gone. */
  readonly onFatal: (error: Error) => void;
}

/** Others plan with what nodes say here: they wait for it no longer than this. */
const sharedKeepEveryMs = 500;
/** As many streams begin at once; each costs some milliseconds of the one thread. */
const mostWelcomedAtOnce = 100;
/** And so many more wait: a whole fleet that comes back while the database is slow. */
const mostWaitingForWelcome = 20_000;

/** As many modules are on their way to nodes: of each some chunks are in memory. */
const mostTransfersAtOnce = 200;

/** Nest wants a class to name the module by. */
@Module({})
class ControlPlaneModule {}

/** A provider made by a function: the bundler emits no decorator metadata for Nest to read. */
function provide<T>(token: symbol, inject: symbol[], useFactory: FactoryProvider<T>['useFactory']): FactoryProvider<T> {
  return { provide: token, inject, useFactory };
}

function databaseProviders({ config, log, teardown, metrics, readiness, onFatal }: ModuleParts): FactoryProvider[] {
  const openUrl = async (): Promise<string> => {
    if (config.databaseUrl !== undefined) return config.databaseUrl;
    const server = await startEmbeddedPostgres({
      dir: path.join(config.stateDir, 'postgres'),
      port: config.postgresPort,
    });
    log.info({ adopted: server.adopted }, 'embedded PostgreSQL runs');
    // A server that was running already may be another control plane's: then this one fails at its lock, below.
    if (!server.adopted) teardown.add('postgres', () => server.stop());
    else teardown.addOnceComplete('postgres', () => server.stop());
    return server.url;
  };
  const noteDatabase = (isUp: boolean): void => {
    metrics.noteDatabase(isUp);
    readiness.noteDatabase(isUp);
  };
  const open = async (url: string): Promise<Database> => {
    const database = await openDatabase({
      url,
      isShared: config.isOneOfSeveral,
      onAway: (err) => {
        log.warn({ err }, 'the database is away');
        noteDatabase(false);
      },
      onBack: () => {
        log.info('the database is back');
        noteDatabase(true);
      },
      onLost: onFatal,
      onStatement: (tookMs) => {
        metrics.noteStatement(tookMs);
      },
    });
    noteDatabase(true);
    teardown.add('database', () => database.close());
    return database;
  };
  return [provide(databaseUrlToken, [], openUrl), provide(databaseToken, [databaseUrlToken], open)];
}

const queueServerOf = ({ redisUrl }: ControlPlaneConfig, databaseUrl: string): QueueServer =>
  chooseQueueServer(databaseUrl, redisUrl) ?? { kind: 'postgres', url: databaseUrl };

function queueProvider(
  { config, log, teardown, metrics }: ModuleParts,
  token: symbol,
  lane: Lane,
  after: symbol,
  changed: (jobId: string) => void,
): FactoryProvider {
  return provide(token, [databaseUrlToken, after], async (databaseUrl: string): Promise<JobQueue> => {
    const server = queueServerOf(config, databaseUrl);
    const onError = (err: Error): void => {
      log.warn({ err }, 'job queue');
    };
    const onCall = metrics.noteQueueCall.bind(metrics);
    const queue = await openJobQueue({ server, lane, onChange: changed, onError, onCall });
    teardown.add(`queue of ${lane}`, () => queue.close());
    return queue;
  });
}

/** Its queue is opened when it starts: whatever is in it is sent from then on. */
function makeWebhooks(
  { config, log }: ModuleParts,
  { server, ...known }: Pick<Services, 'db' | 'replica' | 'changes'> & { readonly server: QueueServer },
): WebhookSender {
  const { webhooksMayBeLocal: mayBeLocal, webhookFirstRetryMs: firstRetryMs } = config;
  const onError = (err: Error): void => {
    log.warn({ err }, 'queue of webhooks');
  };
  const openQueue = (deliver: DeliveryQueueOptions['deliver']) =>
    openDeliveryQueue({ server, deliver, firstRetryMs, onError });
  return new WebhookSender({ ...known, openQueue, mayBeLocal, log });
}

const unlessStopping =
  (stopping: AbortSignal) =>
  (provider: FactoryProvider): FactoryProvider => ({
    ...provider,
    useFactory: (...needs: unknown[]): unknown => {
      stopping.throwIfAborted();
      return provider.useFactory(...needs);
    },
  });

/**
 * Every part of the control plane, made from the parts below it. Whatever is opened waits for what was opened before: a
 * start that fails leaves nothing behind that is still on its way. The keys come before all that is begun on the database.
 */
export function controlPlaneModule(parts: ModuleParts): DynamicModule {
  const { config, log, metrics } = parts;
  let jobChanged: (jobId: string) => void = () => undefined;
  let nodeReported: (name: NodeName) => void = () => undefined;
  const makeServices = (
    db: Database,
    authority: CertificateAuthority,
    artifacts: ArtifactStore,
    queue: JobQueue,
    background: JobQueue,
    databaseUrl: string,
  ): Services => {
    const changes = new ChangeNotifier();
    const living = config.isOneOfSeveral ? new LivingReplica({ store: db.replicas, databaseUrl, log }) : undefined;
    const replica: Replica = living ?? soleReplica();
    const leads = () => replica.leads();
    const onKept = () => {
      replica.announce({ kind: 'reports' });
    };
    const keep = living === undefined ? {} : { onKept, keepEveryMs: sharedKeepEveryMs };
    const calls = new OpenCalls();
    const endCalls = (token: string, reason: LockstepError): void => {
      calls.endOf(token, reason);
    };
    const { stateDir } = config;
    const audit = new AuditLog({ store: db.audit, signer: authority.logSigner, changes, log, stateDir });
    const tokens = new KnownTokens({
      ...{ store: db.accessTokens, log, endCalls },
      onChanged: () => {
        replica.announce({ kind: 'tokens' });
      },
    });
    const onReport = (name: NodeName): void => {
      nodeReported(name);
    };
    const onRevoked = (name: NodeName): void => {
      calls.endOf(name, certificateRevoked(name));
    };
    const nodes = new KnownNodes({ store: db.nodes, replica: replica.id, log, onReport, onRevoked, ...keep });
    const heads = new HeadTimes(db.loadOrders, log);
    const traces = new TraceMemory();
    const logs = new KnownLogs(db.loadOrders, {
      onGrowth: () => {
        heads.noteGrowth();
      },
      traceOf: (entry) => traces.find(traceOfEntry(entry)),
      fetchWithinMs: () => fetchWindowMs(nodes.size),
    });
    const revisions = new NodeRevisions(Date.now());
    const sessions = new AgentSessions(config.returnGraceMs);
    const announceAuthorities = () => {
      replica.announce({ kind: 'authorities' });
    };
    const authorities = new KnownAuthorities({
      ...{ store: db.authorities, authority, nodes, sessions, log, announce: announceAuthorities },
    });
    const announceOrders = () => {
      replica.announce({ kind: 'node-orders' });
    };
    const orders = new NodeOrders({ store: db.nodeOrders, sessions, announce: announceOrders, log });
    const logHeads = new LogHeads({ logs, store: db.loadOrders, keys: authority.logKeys, sessions, log });
    const windowMs = () => returnWindowMs(nodes.size - sessions.connectedCount);
    const admission = new Admission({
      mostAtOnce: mostWelcomedAtOnce,
      mostWaiting: mostWaitingForWelcome,
      windowMs,
    });
    const limits = new NodeLimits(config.nodeRates, metrics);
    const { storeMaxBytes: maxBytes, storeCheckMs: checkEveryMs } = config;
    const evictor = new ArtifactEvictor({ db, artifacts, log, maxBytes, checkEveryMs, leads });
    const sharing = new KernelSharing({ db, queue: background, artifacts, log, leads });
    const work = new WorkTracker({ db, queue, artifacts, changes, metrics: metrics.builds, traces, log });
    jobChanged = (jobId) => {
      work.onQueueEvent(jobId).catch((err: unknown) => {
        log.error({ err, jobId }, 'could not take in an event of the queue');
      });
    };
    const rollouts = new RolloutExecutor({
      db,
      nodes,
      logs,
      sessions,
      replica,
      changes,
      traces,
      log,
      returnGraceMs: config.returnGraceMs,
      askMetrics: metricsAsker(config),
      gateEveryMs: config.gateEveryMs,
    });
    const events = new EventLog(db.events, changes);
    const nodeWatch = new NodeWatch({ nodes, sessions, store: db.events, events, replica });
    const deriver = new EventDeriver({ db, rollouts, replica, changes, events, nodes: nodeWatch, log });
    nodeReported = (name) => {
      deriver.noticeNode(name);
    };
    const webhooks = makeWebhooks(parts, { db, replica, changes, server: queueServerOf(config, databaseUrl) });
    const told = { sessions, orders, calls, changes, deriver, webhooks, logs, rollouts };
    const others =
      living && new FollowOthers({ store: db.replicas, replica: living, tokens, authorities, nodes, ...told, log });
    return {
      config,
      log,
      db,
      authority,
      authorities,
      tokens,
      calls,
      audit,
      artifacts,
      evictor,
      sharing,
      changes,
      work,
      nodes,
      revisions,
      logs,
      heads,
      logHeads,
      admission,
      limits,
      transfers: new Transfers({
        mostAtOnce: mostTransfersAtOnce,
        onLimited: () => {
          metrics.noteLimited('downloads-of-node');
        },
      }),
      sessions,
      switches: new RecentSwitches(),
      orders,
      replica,
      others,
      rollouts,
      metrics,
      traces,
      events,
      deriver,
      webhooks,
    };
  };
  return {
    module: ControlPlaneModule,
    providers: [
      ...databaseProviders(parts),
      provide(authorityToken, [databaseToken], (db: Database) => openKeys(db, keysPlaceOf(config))),
      provide(artifactsToken, [authorityToken], () => openArtifactStore(config.artifacts)),
      queueProvider(parts, queueToken, 'work', artifactsToken, (jobId) => {
        jobChanged(jobId);
      }),
      queueProvider(parts, backgroundToken, 'background', queueToken, () => undefined),
      provide(
        servicesToken,
        [databaseToken, authorityToken, artifactsToken, queueToken, backgroundToken, databaseUrlToken],
        makeServices,
      ),
      provide(serversToken, [servicesToken], async (services: Services) => {
        await openAdminToken(config.keysDir, services.db);
        return new Servers(services, parts.readiness);
      }),
    ].map(unlessStopping(parts.stopping)),
  };
}
