// SPDX-License-Identifier: GPL-2.0-only
import type { Job as QueueEntry } from 'bullmq';
import type { TraceParent } from '@lockstep/platform/tracing';
import type { Job, JobFailure, JobPriority, JobResult } from './jobs';

/** Which part of which job an entry is. */
export interface PartPlace {
  /** Id of the job that it is a part of. */
  readonly root: string;
  readonly index: number;
  readonly of: number;
  readonly weight: number;
}

/** What the queue keeps of a job. */
export interface QueuedJob {
  readonly job: Job;
  readonly part?: PartPlace;
  /** Whoever works on the job or on a part of it is to leave off: it ends as this. */
  readonly stop?: JobFailure;
  /** The trace that asked for it. */
  readonly trace?: TraceParent | undefined;
}

/** How a part ended. Its failures are results of the queue's: the parts that are left are stopped, not lost. */
export type PartOutcome =
  | { readonly kind: 'done'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly failure: JobFailure }
  | { readonly kind: 'stopped' };

export interface EndedPart {
  readonly place: PartPlace;
  readonly outcome: PartOutcome;
}

/** What the queue keeps of a job that has ended. */
export type Returned = JobResult | EndedPart;

export type Entry = QueueEntry<QueuedJob, Returned>;

const partMark = '.part-';

export const partId = (root: string, index: number): string => `${root}${partMark}${index}`;

/** The job that an entry belongs to: itself or what it is a part of. */
export const rootOf = (id: string): string => id.split(partMark)[0] ?? id;

/** The lower the number, the sooner; 0 would mean "before all others". */
const numbers: Readonly<Record<JobPriority, number>> = { high: 10, normal: 100, low: 1000 };

export const priorityNumber = (priority: JobPriority): number => numbers[priority];

/** What has begun is ended before something else of the same priority begins. */
export const partPriority = (root: number | undefined): number => Math.max(1, (root ?? numbers.normal) - 1);
