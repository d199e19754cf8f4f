// SPDX-License-Identifier: GPL-2.0-only
import type { BuildRecord, WorkStatus } from '@lockstep/io/database';
import { Counter, Gauge, Histogram, type Registry } from '@lockstep/io/monitoring-port';
import type { JobTimes } from '@lockstep/io/job-queue';

type Unfinished = Extract<WorkStatus, 'queued' | 'running'>;
export type Ended = Exclude<WorkStatus, Unfinished>;

const unfinished = Object.keys({ queued: true, running: true } satisfies Record<Unfinished, true>) as Unfinished[];
const ended = Object.keys({ succeeded: true, failed: true, cancelled: true } satisfies Record<Ended, true>) as Ended[];

/** From the one-line fix, a second, to a header that thousands of objects read. */
const buildSeconds = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200];

/** Builds of patches: how many wait, and how long they waited and took. */
export class BuildMetrics {
  private readonly waiting;
  private readonly queueTime;
  private readonly duration;
  private readonly requests;
  /** When each was first taken: one that was divided is taken again to be ended. */
  private readonly takenAtMs = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.waiting = new Gauge({
      name: 'lockstep_builds',
      help: 'Builds that have not ended.',
      labelNames: ['status'],
      registers,
    });
    this.queueTime = new Histogram({
      name: 'lockstep_build_queue_time_seconds',
      help: 'How long builds waited for a worker.',
      buckets: buildSeconds,
      registers,
    });
    this.duration = new Histogram({
      name: 'lockstep_build_duration_seconds',
      help: 'How long builds took from when a worker first took them, by how they ended.',
      buckets: buildSeconds,
      labelNames: ['status'],
      registers,
    });
    this.requests = new Counter({
      name: 'lockstep_build_requests_total',
      help: 'Builds that were asked for: built already (kept), or to be built (queued).',
      labelNames: ['result'],
      registers,
    });
    this.noteUnfinished([]);
    for (const result of ['kept', 'queued']) this.requests.inc({ result }, 0);
    for (const status of ended) this.duration.zero({ status });
  }

  noteUnfinished(builds: readonly Pick<BuildRecord, 'status'>[]): void {
    for (const status of unfinished) {
      this.waiting.set({ status }, builds.filter((build) => build.status === status).length);
    }
  }

  noteRequest(isBuilt: boolean): void {
    this.requests.inc({ result: isBuilt ? 'kept' : 'queued' });
  }

  noteTaken(jobId: string, { takenAtMs }: JobTimes): void {
    if (takenAtMs !== undefined && !this.takenAtMs.has(jobId)) this.takenAtMs.set(jobId, takenAtMs);
  }

  /** It ended without the queue's word. */
  forget(jobId: string): void {
    this.takenAtMs.delete(jobId);
  }

  /** Stamps of several machines' clocks: a little before and after is the same. */
  noteEnded(jobId: string, status: Ended, times: JobTimes): void {
    const { queuedAtMs, endedAtMs } = times;
    const takenAtMs = this.takenAtMs.get(jobId) ?? times.takenAtMs;
    this.takenAtMs.delete(jobId);
    if (takenAtMs === undefined || endedAtMs === undefined) return;
    this.queueTime.observe(Math.max(0, takenAtMs - queuedAtMs) / 1000);
    this.duration.observe({ status }, Math.max(0, endedAtMs - takenAtMs) / 1000);
  }
}
