// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { BuildRecord } from '@lockstep/io/database';
import type { JobPriority, JobQueue } from '@lockstep/io/job-queue';
import { Registry } from '@lockstep/io/monitoring-port';
import { TraceMemory } from '@lockstep/platform/tracing';
import { pino } from 'pino';
import { ChangeNotifier } from '../change-notifier';
import { BuildMetrics } from '../monitoring/build-metrics';
import { WorkTracker } from './work-tracker';

/** A build that waits, in a queue that ranks it as it was told last and may be away for a moment. */
function waitingBuild() {
  let build = { id: 'b', generation: 1, priority: 'normal', attempts: 0, endedAt: null } as unknown as BuildRecord;
  const ranked: JobPriority[] = [];
  const failures: Error[] = [];
  let whileRanking = (): void => undefined;
  const queue: Pick<JobQueue, 'state' | 'setPriority'> = {
    state: () => Promise.resolve({ state: 'waiting', attempts: 0 }),
    setPriority: async (_, priority) => {
      await Promise.resolve();
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      ranked.push(priority);
      whileRanking();
      whileRanking = () => undefined;
    },
  };
  const builds = { unfinished: () => Promise.resolve([build]), find: () => Promise.resolve(build) };
  const registrations = { unfinished: () => Promise.resolve([]) };
  const parts = {
    ...{ db: { builds, registrations }, queue, changes: new ChangeNotifier(), log: pino({ level: 'silent' }) },
    metrics: new BuildMetrics(new Registry()),
    traces: new TraceMemory(),
  };
  const tracker = new WorkTracker(parts as never);
  const ask = (priority: JobPriority): void => {
    build = { ...build, priority };
    tracker.requestWithPriority(build);
  };
  const duringNextRanking = (then: () => void): void => {
    whileRanking = then;
  };
  return { tracker, ask, ranked, failures, duringNextRanking };
}

test('a build that becomes more urgent while the queue is told its old priority gets the new one', async () => {
  const { tracker, ask, ranked, duringNextRanking } = waitingBuild();
  duringNextRanking(() => {
    ask('high');
  });
  ask('low');
  await tracker.reconcile('build.b.1');
  expect(ranked).toEqual(['low', 'high']);
});

test('a priority that the queue could not be told is told later, once', async () => {
  const { tracker, ask, ranked, failures } = waitingBuild();
  failures.push(new Error('away'));
  ask('high');
  for (let time = 0; time < 3; time += 1) await tracker.reconcile('build.b.1');
  expect(ranked).toEqual(['high']);
});
