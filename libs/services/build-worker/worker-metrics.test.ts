// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { Job, JobContext, JobHandler } from '@lockstep/io/job-queue';
import { originalsChannel } from '@lockstep/io/kernel-builder';
import { Registry } from '@lockstep/io/monitoring-port';
import { WorkerMetrics } from './worker-metrics';

const job = { kind: 'register-kernel', path: '/kernels/test', stock: null } satisfies Job;

async function told(handler: JobHandler, aborted = false): Promise<string[]> {
  const registry = new Registry();
  const abort = new AbortController();
  if (aborted) abort.abort();
  const context = { signal: abort.signal } as JobContext;
  const measured = new WorkerMetrics(registry).measuring(async (...args) => {
    expect(await registry.metrics()).toContain('lockstep_worker_jobs_running{kind="register-kernel"} 1');
    return handler(...args);
  });
  await measured(job, context).catch(() => undefined);
  const text = await registry.metrics();
  expect(text).toContain('lockstep_worker_jobs_running{kind="register-kernel"} 0');
  return text.split('\n').filter((line) => /^lockstep_worker_jobs_total/.test(line));
}

test.each([
  ['done', async () => ({ kind: 'parts', parts: [] }) as const, false],
  ['failed', async () => Promise.reject(new Error('gcc')), false],
  ['aborted', async () => Promise.reject(new Error('gcc was killed')), true],
])('a job that is %s is counted as that', async (outcome, handler, aborted) => {
  expect(await told(handler, aborted)).toEqual([
    `lockstep_worker_jobs_total{kind="register-kernel",outcome="${outcome}"} 1`,
  ]);
});

test('originals that were kept from before are told apart from those that were compiled', async () => {
  const registry = new Registry();
  new WorkerMetrics(registry);
  for (const result of ['kept', 'compiled', 'kept']) originalsChannel.publish(result);
  const text = await registry.metrics();
  expect(text).toContain('lockstep_worker_originals_total{result="kept"} 2');
  expect(text).toContain('lockstep_worker_originals_total{result="compiled"} 1');
});
