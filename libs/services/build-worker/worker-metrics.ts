// SPDX-License-Identifier: GPL-2.0-only
import { subscribe } from 'node:diagnostics_channel';
import type { Job, JobHandler } from '@lockstep/io/job-queue';
import { originalsChannel } from '@lockstep/io/kernel-builder';
import { Counter, Gauge, Histogram, type Registry } from '@lockstep/io/monitoring-port';

type Kind = Job['kind'];
/** `aborted`: it was cancelled, or the worker is to stop and hands it back. */
type Outcome = 'done' | 'failed' | 'aborted';

const kinds = Object.keys({
  ...{ 'register-kernel': true, build: true, 'build-again': true, 'build-part': true, 'share-kernel': true },
} satisfies Record<Kind, true>) as Kind[];

const jobSeconds = [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800];

/** What one worker does. */
export class WorkerMetrics {
  private readonly running;
  private readonly ended;
  private readonly duration;

  constructor(registry: Registry) {
    const registers = [registry];
    this.running = new Gauge({
      name: 'lockstep_worker_jobs_running',
      help: 'Jobs, and parts of jobs, at hand.',
      labelNames: ['kind'],
      registers,
    });
    this.ended = new Counter({
      name: 'lockstep_worker_jobs_total',
      help: 'Jobs, and parts of jobs, that were worked on, by how that ended.',
      labelNames: ['kind', 'outcome'],
      registers,
    });
    this.duration = new Histogram({
      name: 'lockstep_worker_job_duration_seconds',
      help: 'How long this worker had a job, or a part of one, at hand.',
      buckets: jobSeconds,
      labelNames: ['kind'],
      registers,
    });
    const originals = new Counter({
      name: 'lockstep_worker_originals_total',
      help: 'Unpatched objects that builds asked for: kept from before, or compiled.',
      labelNames: ['result'],
      registers,
    });
    for (const result of ['kept', 'compiled']) originals.inc({ result }, 0);
    for (const kind of kinds) this.running.set({ kind }, 0);
    subscribe(originalsChannel.name, (result) => {
      originals.inc({ result: String(result) });
    });
  }

  /** The same handler, measured. */
  measuring(handler: JobHandler): JobHandler {
    return async (job, context) => {
      const { kind } = job;
      const begunMs = performance.now();
      this.running.inc({ kind });
      let outcome: Outcome = 'done';
      try {
        return await handler(job, context);
      } catch (error) {
        outcome = context.signal.aborted ? 'aborted' : 'failed';
        throw error;
      } finally {
        this.running.dec({ kind });
        this.ended.inc({ kind, outcome });
        this.duration.observe({ kind }, (performance.now() - begunMs) / 1000);
      }
    };
  }
}
