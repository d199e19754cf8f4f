// SPDX-License-Identifier: GPL-2.0-only
import type { WorkQueue } from './job-parts';
import type { JobProgress } from './jobs';
import type { EndedPart, Entry } from './queued-job';

/** `queue:id`, as the queue names a part in its parent's list. */
const idOf = (key: string): string => key.slice(key.lastIndexOf(':') + 1);

/** How far a part has come, in units of its weight. */
async function doneOf(queue: WorkQueue, id: string): Promise<{ done: number; weight: number; isTaken: boolean }> {
  const entry = await queue.getJob(id);
  const weight = entry?.data.part?.weight ?? 0;
  const progress = entry?.progress;
  if (typeof progress !== 'object') return { done: 0, weight, isTaken: false };
  const { done, total } = progress as JobProgress;
  return { done: total > 0 ? (weight * done) / total : 0, weight, isTaken: true };
}

/** The progress of a job that others do parts of. */
export async function progressOfParts(queue: WorkQueue, entry: Entry): Promise<JobProgress> {
  const { processed = {}, unprocessed = [] } = await entry.getDependencies();
  const ended = Object.values(processed as Record<string, EndedPart>).map(({ place }) => place.weight);
  const open = await Promise.all(unprocessed.map((key) => doneOf(queue, idOf(key))));
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  const [only] = unprocessed;
  if (only !== undefined && entry.data.job.kind === 'build' && entry.data.job.reproduce === true) {
    return again((await queue.getJob(idOf(only)))?.progress);
  }
  const working = open.filter(({ isTaken }) => isTaken).length;
  return {
    stage: `compile and compare, ${working} of ${open.length + ended.length} parts at work`,
    done: Math.floor(sum([...ended, ...open.map(({ done }) => done)])),
    total: sum([...ended, ...open.map(({ weight }) => weight)]),
  };
}

/** Of a build that is done once: it waits for another worker, or that one is at it. */
function again(progress: unknown): JobProgress {
  const hasBegun = typeof progress === 'object' && progress !== null && 'stage' in progress;
  if (!hasBegun) return { stage: 'built once, waits for another worker to build it again', done: 0, total: 0 };
  const { stage, done, total } = progress as JobProgress;
  return { stage: `again: ${stage}`, done, total };
}
