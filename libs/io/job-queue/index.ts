// SPDX-License-Identifier: GPL-2.0-only
export { chooseQueueServer, queueSchema, type Lane, type QueueServer } from './backend';
export {
  openDeliveryQueue,
  type Delivery,
  type DeliveryQueue,
  type DeliveryQueueOptions,
  deliveriesAtOnce,
  type DeliveryResult,
} from './delivery-queue';
export { openJobQueue, type QueueLook, type JobQueue, type JobQueueOptions } from './job-queue';
export { startJobWorker, type JobWorker, type JobWorkerOptions } from './job-worker';
export type {
  BuildInputs,
  BuildWork,
  ExplainedFunction,
  FirstBuild,
  Job,
  JobFailure,
  JobLogLine,
  JobOutcome,
  JobPart,
  JobPriority,
  JobProgress,
  JobResult,
  JobState,
  JobTimes,
  KernelCopy,
  SourceDiff,
} from './jobs';
export {
  lacksKernelReason,
  needsAnotherWorkerReason,
  notReproducedReason,
  type JobContext,
  type JobHandler,
} from './running-job';
