// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Registry } from '@lockstep/io/monitoring-port';
import { BuildMetrics } from './build-metrics';

async function told(use: (metrics: BuildMetrics) => void): Promise<string[]> {
  const registry = new Registry();
  use(new BuildMetrics(registry));
  const text = await registry.metrics();
  return text.split('\n').filter((line) => /_total|_sum|_count|builds\{/.test(line) && !/^#| 0$/.test(line));
}

test('a divided build has waited until it was first taken, and took all the time after that', async () => {
  const lines = await told((metrics) => {
    metrics.noteTaken('b', { queuedAtMs: 1_000, takenAtMs: 3_000, endedAtMs: undefined });
    metrics.noteTaken('b', { queuedAtMs: 1_000, takenAtMs: 9_000, endedAtMs: undefined });
    metrics.noteEnded('b', 'succeeded', { queuedAtMs: 1_000, takenAtMs: 9_000, endedAtMs: 10_000 });
  });
  expect(lines).toEqual([
    'lockstep_build_queue_time_seconds_sum 2',
    'lockstep_build_queue_time_seconds_count 1',
    'lockstep_build_duration_seconds_sum{status="succeeded"} 7',
    'lockstep_build_duration_seconds_count{status="succeeded"} 1',
  ]);
});

test('clocks that are a little apart make no negative times', async () => {
  const lines = await told((metrics) => {
    metrics.noteEnded('b', 'failed', { queuedAtMs: 1_000, takenAtMs: 990, endedAtMs: 980 });
  });
  expect(lines).toEqual([
    'lockstep_build_queue_time_seconds_count 1',
    'lockstep_build_duration_seconds_count{status="failed"} 1',
  ]);
});

test('one that never reached a worker has neither', async () => {
  const never = { queuedAtMs: 1_000, takenAtMs: undefined, endedAtMs: 2_000 };
  expect(
    await told((metrics) => {
      metrics.noteEnded('b', 'cancelled', never);
    }),
  ).toEqual([]);
});

test('what was built already is told apart from what is to be built, and what waits from what runs', async () => {
  const lines = await told((metrics) => {
    metrics.noteRequest(true);
    metrics.noteRequest(false);
    metrics.noteUnfinished([{ status: 'queued' }, { status: 'running' }, { status: 'queued' }]);
  });
  expect(lines).toEqual([
    'lockstep_builds{status="queued"} 2',
    'lockstep_builds{status="running"} 1',
    'lockstep_build_requests_total{result="kept"} 1',
    'lockstep_build_requests_total{result="queued"} 1',
  ]);
});
