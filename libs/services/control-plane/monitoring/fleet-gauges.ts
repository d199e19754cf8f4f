// SPDX-License-Identifier: GPL-2.0-only
import { X509Certificate } from 'node:crypto';
import { isHeadOverdue, nodeStatusFromWire } from '@lockstep/contracts/wire';
import type { ClusterName, NodeStatus } from '@lockstep/domain/livepatch-model';
import type { PlanStatus } from '@lockstep/domain/rollout-planner';
import type { CertificateAuthority } from '@lockstep/io/certificates';
import type { NodeRecord } from '@lockstep/io/database';
import { Gauge, type Registry } from '@lockstep/io/monitoring-port';
import { lockstepVersion } from '@lockstep/platform/runtime';
import type { AgentSessions } from '../agents/agent-sessions';
import type { HeadTimes } from '../agents/head-times';
import type { KnownLogs } from '../agents/known-logs';
import type { KnownNodes } from '../agents/known-nodes';
import { driftedNodes } from '../drift/gather-drift';
import type { RolloutExecutor } from '../rollouts/rollout-executor';

export interface FleetGaugesParts {
  readonly nodes: Pick<KnownNodes, 'list' | 'unwrittenCount'>;
  readonly sessions: Pick<AgentSessions, 'isConnected' | 'find' | 'size'>;
  readonly rollouts: Pick<RolloutExecutor, 'inForceNow'>;
  readonly heads: Pick<HeadTimes, 'list'>;
  readonly logs: Pick<KnownLogs, 'knownEntries'>;
  readonly authority: Pick<CertificateAuthority, 'succession' | 'server'>;
}

/** `silent`: it has not reported yet, or nothing that is known here. */
type NodeState = NodeStatus | 'silent';

/** A state that is new does not compile until it stands here, and so in every scrape. */
const nodeStates = Object.keys({
  ...{ 'in-step': true, moving: true, failed: true, quarantined: true, diverged: true, forked: true },
  ...{ ahead: true, implausible: true, silent: true },
} satisfies Record<NodeState, true>) as NodeState[];

const rolloutStates = Object.keys({
  ...{ running: true, paused: true, halted: true, succeeded: true, aborted: true },
} satisfies Record<PlanStatus, true>) as PlanStatus[];

interface ClusterCensus {
  readonly byState: Map<NodeState, number>;
  connected: number;
  /** Of those that are connected, who has heard for a day of no end of its load order. */
  headOverdue: number;
  /** Of those that are connected here, who was silent for longest. */
  oldestWordMs: number;
}

const stateOf = ({ report }: NodeRecord): NodeState =>
  (report === null ? undefined : nodeStatusFromWire(report.status)) ?? 'silent';

/** One look at each node. */
export function takeCensus(
  { nodes, sessions }: Pick<FleetGaugesParts, 'nodes' | 'sessions'>,
  nowMs: number,
): ReadonlyMap<ClusterName, ClusterCensus> {
  const clusters = new Map<ClusterName, ClusterCensus>();
  for (const node of nodes.list()) {
    const census: ClusterCensus = clusters.get(node.cluster) ?? {
      ...{ byState: new Map(), connected: 0, headOverdue: 0, oldestWordMs: 0 },
    };
    clusters.set(node.cluster, census);
    const state = stateOf(node);
    census.byState.set(state, (census.byState.get(state) ?? 0) + 1);
    if (!sessions.isConnected(node.name)) continue;
    census.connected += 1;
    if (isHeadOverdue(node.report?.heardHead, nowMs)) census.headOverdue += 1;
    // Another control plane hears signs of life, and writes none of them.
    if (sessions.find(node.name) === undefined) continue;
    census.oldestWordMs = Math.max(census.oldestWordMs, nowMs - (node.lastSeenAt?.getTime() ?? nowMs));
  }
  return clusters;
}

/** Of the CA and of the server: when they end, in seconds since 1970. */
function certificateEnds({ succession, server }: FleetGaugesParts['authority']): Readonly<Record<string, number>> {
  const endOf = (pem: string): number => Date.parse(new X509Certificate(pem).validTo) / 1000;
  // The chain begins with the server's own.
  return { ca: endOf(succession.signs.certificatePem), server: endOf(server.certificateChainPem) };
}

/** What is looked up at each scrape, all of it in memory: no statement, and no more than a look at each node. */
export class FleetGauges {
  private readonly nodes;
  private readonly connected;
  private readonly headOverdue;
  private readonly reportAge;
  private readonly streams;
  private readonly drifted;
  private readonly unwritten;
  private readonly rollouts;
  private readonly headAt;

  constructor(
    registry: Registry,
    private readonly parts: FleetGaugesParts,
  ) {
    const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
      new Gauge({ name: `lockstep_${name}`, help, labelNames, registers: [registry] });
    this.nodes = gauge('nodes', 'Nodes by what they reported last.', 'cluster', 'status');
    this.connected = gauge('nodes_connected', 'Nodes whose agents are connected.', 'cluster');
    this.headOverdue = gauge(
      'nodes_head_overdue',
      'Connected nodes that have heard for a day of no end of their load order: it may be withheld from them.',
      'cluster',
    );
    this.reportAge = gauge(
      'node_report_age_seconds',
      'Of the connected nodes of a cluster, how long the one that was silent for longest has said nothing.',
      'cluster',
    );
    this.drifted = gauge(
      'nodes_drifted',
      'Nodes whose kernels do not hold the stack of their position: foreign livepatches, or others than they should.',
      'cluster',
      'kind',
    );
    this.streams = gauge('agent_streams', 'Agents that are connected.');
    this.unwritten = gauge('node_reports_unwritten', 'Nodes whose last word is not in the database yet.');
    this.rollouts = gauge(
      'rollouts',
      'Rollouts in force: the newest of each load order, and the newest that succeeded.',
      'cluster',
      'status',
    );
    this.headAt = gauge(
      'log_head_timestamp_seconds',
      'When the last entry of a load order was appended.',
      'cluster',
      'kernel_build',
    );
    const expiry = gauge('certificate_expiry_timestamp_seconds', 'When a certificate ends.', 'certificate');
    for (const [certificate, end] of Object.entries(certificateEnds(parts.authority))) expiry.set({ certificate }, end);
    const about = gauge('build_info', 'Always 1: which version this is.', 'version');
    about.set({ version: lockstepVersion }, 1);
  }

  private collectDrift(): void {
    const { nodes, logs } = this.parts;
    const all = nodes.list();
    const found = driftedNodes(all, logs.knownEntries.bind(logs));
    this.drifted.reset();
    for (const cluster of new Set(all.map((node) => node.cluster))) {
      const here = found.filter(({ node }) => node.cluster === cluster);
      const foreign = here.filter(({ drift }) => drift.foreign.length > 0).length;
      this.drifted.set({ cluster, kind: 'foreign' }, foreign);
      this.drifted.set({ cluster, kind: 'position' }, here.length - foreign);
    }
  }

  collect(nowMs: number): void {
    this.collectNodes(nowMs);
    this.collectDrift();
    const { sessions, nodes, rollouts, heads } = this.parts;
    this.streams.set(sessions.size);
    this.unwritten.set(nodes.unwrittenCount);
    this.rollouts.reset();
    for (const [cluster, inForce] of rollouts.inForceNow()) {
      for (const status of rolloutStates) {
        this.rollouts.set({ cluster, status }, inForce.filter(({ plan }) => plan.status === status).length);
      }
    }
    this.headAt.reset();
    for (const { cluster, kernelBuild, appendedAt } of heads.list()) {
      this.headAt.set({ cluster, kernel_build: kernelBuild }, appendedAt.getTime() / 1000);
    }
  }

  private collectNodes(nowMs: number): void {
    for (const gauge of [this.nodes, this.connected, this.headOverdue, this.reportAge]) gauge.reset();
    for (const [cluster, census] of takeCensus(this.parts, nowMs)) {
      this.connected.set({ cluster }, census.connected);
      this.headOverdue.set({ cluster }, census.headOverdue);
      this.reportAge.set({ cluster }, census.oldestWordMs / 1000);
      for (const status of nodeStates) this.nodes.set({ cluster, status }, census.byState.get(status) ?? 0);
    }
  }
}
