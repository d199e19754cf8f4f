// SPDX-License-Identifier: GPL-2.0-only
export { chooseQueueServer, type QueueServer } from './backend';
export { openJobQueue, type JobQueue, type JobQueueOptions } from './job-queue';
export { startJobWorker, type JobWorker, type JobWorkerOptions } from './job-worker';
export type {
  BuildInputs,
  ExplainedFunction,
  Job,
  JobFailure,
  JobLogLine,
  JobOutcome,
  JobPart,
  JobPriority,
  JobProgress,
  JobResult,
  JobState,
  SourceDiff,
} from './jobs';
export type { JobContext, JobHandler } from './running-job';
