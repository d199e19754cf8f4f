// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import { Counter, Gauge, Histogram, type Registry } from '@lockstep/io/monitoring-port';
import { BuildMetrics } from './build-metrics';
import { errorKindOf, errorKinds } from './error-kinds';
import { TransitionMetrics } from './transition-metrics';

/** Statements and calls of the queue: 1 ms to 10 s. */
const answerSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
/** Calls of operators: some wait for a database that is busy. */
const callSeconds = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

/** What somebody may have too much of. */
export const limits = [
  'connections',
  'handshakes',
  'silent-connections',
  'connections-of-node',
  'calls-of-node',
  'downloads-of-node',
  'reports-of-node',
  'enrolments',
] as const;
export type Limit = (typeof limits)[number];

/**
 * What is counted where it happens. Labels are words of ours and names of clusters and load orders, of which operators make
 * few: never nodes, patches or tokens, which would be a series each.
 */
export class PlaneMetrics {
  readonly builds: BuildMetrics;
  readonly transitions: TransitionMetrics;
  private readonly streams;
  private readonly reports;
  private readonly statements;
  private readonly queueCalls;
  private readonly calls;
  private readonly callErrors;
  private readonly callSeconds;
  private readonly databaseUp;
  private readonly limited;

  constructor(registry: Registry) {
    const registers = [registry];
    this.builds = new BuildMetrics(registry);
    this.transitions = new TransitionMetrics(registry);
    this.streams = new Counter({
      name: 'lockstep_agent_streams_opened_total',
      help: 'Streams that agents have opened and that were welcomed.',
      registers,
    });
    this.reports = new Counter({
      name: 'lockstep_node_reports_total',
      help: 'Reports that nodes have sent, heartbeats included.',
      registers,
    });
    this.statements = new Histogram({
      name: 'lockstep_database_statement_duration_seconds',
      help: 'How long the database took for one statement.',
      buckets: answerSeconds,
      registers,
    });
    this.queueCalls = new Histogram({
      name: 'lockstep_queue_call_duration_seconds',
      help: 'How long the job queue took to answer one call.',
      buckets: answerSeconds,
      registers,
    });
    this.calls = new Counter({
      name: 'lockstep_calls_total',
      help: 'Calls that operators and enrolling nodes have made.',
      labelNames: ['method'],
      registers,
    });
    this.callErrors = new Counter({
      name: 'lockstep_call_errors_total',
      help: 'Such calls that ended with an error, by its kind.',
      labelNames: ['kind'],
      registers,
    });
    // From nought: a counter that begins at one has not grown, as Prometheus sees it.
    for (const kind of errorKinds) this.callErrors.inc({ kind }, 0);
    this.callSeconds = new Histogram({
      name: 'lockstep_call_duration_seconds',
      help: 'How long calls took that are answered once; watches are not among them.',
      buckets: callSeconds,
      labelNames: ['method'],
      registers,
    });
    this.limited = new Counter({
      name: 'lockstep_limited_total',
      help: 'What nodes and strangers had to wait for, or were refused, because they had too much of it already.',
      labelNames: ['limit'],
      registers,
    });
    for (const limit of limits) this.limited.inc({ limit }, 0);
    this.databaseUp = new Gauge({
      name: 'lockstep_database_up',
      help: '1 while the connection that makes this the only control plane of its database lives.',
      registers,
    });
  }

  noteStream(): void {
    this.streams.inc();
  }

  noteReport(): void {
    this.reports.inc();
  }

  noteLimited(limit: Limit): void {
    this.limited.inc({ limit });
  }

  /** Since the control plane was started. */
  async limitedTimes(): Promise<{ readonly name: Limit; readonly times: number }[]> {
    const { values } = await this.limited.get();
    return limits.map((name) => ({ name, times: values.find(({ labels }) => labels.limit === name)?.value ?? 0 }));
  }

  noteNews(before: NodeReport | undefined, report: NodeReport): void {
    this.transitions.note(before, report);
  }

  noteStatement(tookMs: number): void {
    this.statements.observe(tookMs / 1000);
  }

  noteQueueCall(tookMs: number): void {
    this.queueCalls.observe(tookMs / 1000);
  }

  /** @param tookMs undefined of a watch, which takes as long as its caller wants */
  noteCall(path: string, error: unknown, tookMs: number | undefined): void {
    const method = path.slice(path.lastIndexOf('/') + 1);
    this.calls.inc({ method });
    if (error !== undefined) this.callErrors.inc({ kind: errorKindOf(error) });
    if (tookMs !== undefined) this.callSeconds.observe({ method }, tookMs / 1000);
  }

  noteDatabase(isUp: boolean): void {
    this.databaseUp.set(isUp ? 1 : 0);
  }
}
