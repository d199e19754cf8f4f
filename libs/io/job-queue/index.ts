// SPDX-License-Identifier: GPL-2.0-only
export { chooseQueueServer, type QueueServer } from './backend';
export { openJobQueue, type JobQueue, type JobQueueOptions } from './job-queue';
export { startJobWorker, type JobContext, type JobHandler, type JobWorker, type JobWorkerOptions } from './job-worker';
export type { Job, JobFailure, JobProgress, JobResult, JobState } from './jobs';
