// SPDX-License-Identifier: GPL-2.0-only
import type { Queue } from 'bullmq';
import { activeTrace } from '@lockstep/platform/tracing';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { JobFailure, JobPart, JobResult } from './jobs';
import { partId, partPriority, type EndedPart, type Entry, type QueuedJob, type Returned } from './queued-job';

export type WorkQueue = Queue<QueuedJob, Returned, string, QueuedJob, Returned, string>;

/** A part ended so, for good: the job it is a part of ends the same. */
export class PartFailed extends Error {
  constructor(readonly failure: JobFailure) {
    super(failure.message);
  }
}

/** A part that its worker died of twice, or whose errors do not pass, ends the whole job. */
const partOptions = { failParentOnFailure: true, removeDependencyOnFailure: false } as const;

/** Queues the parts of a job at hand, for any worker; those that are queued already stay as they are. */
export async function addParts(queue: WorkQueue, root: Entry, parts: readonly JobPart[]): Promise<void> {
  const rootId = root.id ?? '';
  const trace = activeTrace();
  const parent = { id: rootId, queue: root.queueQualifiedName };
  const entries = parts.map(({ job, weight }, index) => {
    const place = { root: rootId, index, of: parts.length, weight };
    const opts = { ...partOptions, parent, jobId: partId(rootId, index), priority: partPriority(root.opts.priority) };
    return { name: job.kind, data: { job, part: place, ...(trace && { trace }) }, opts };
  });
  await queue.addBulk(entries);
}

/**
 * What the parts came to, in order; undefined while there are none, or not all are queued and ended.
 * @throws PartFailed
 */
export async function partResults(root: Entry): Promise<JobResult[] | undefined> {
  const ended = Object.values(await root.getChildrenValues<EndedPart>());
  const [first] = ended;
  if (first === undefined || ended.length < first.place.of) return undefined;
  const failed = ended.find(({ outcome }) => outcome.kind === 'failed');
  if (failed?.outcome.kind === 'failed') throw new PartFailed(failed.outcome.failure);
  return ended
    .sort((a, b) => a.place.index - b.place.index)
    .map(({ place, outcome }) => {
      if (outcome.kind === 'done') return outcome.result;
      throw new LockstepError(
        'internal',
        'part-missing',
        `Part ${place.index} of the job has no result: submit it again.`,
      );
    });
}
