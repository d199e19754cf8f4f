// SPDX-License-Identifier: GPL-2.0-only
export { startBuildWorker, type RunningBuildWorker } from './start-build-worker';
export { readWorkerConfig, type WorkerConfig } from './worker-config';
