// SPDX-License-Identifier: GPL-2.0-only
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { createServiceLog } from '@lockstep/platform/service-log';
import { useLimits, useSandbox } from '@lockstep/io/kernel-builder';
import type { Logger } from 'pino';
import { BuildWorkerModule } from './build-worker-module';
import type { WorkerConfig } from './worker-config';

export interface RunningBuildWorker {
  /** Hands back the jobs at hand. */
  stop(): Promise<void>;
}

/** Takes jobs as soon as it resolves. @throws LockstepError when the queue or the artifact store cannot be opened, or no sandbox works. */
export async function startBuildWorker(
  config: WorkerConfig,
  log: Logger = createServiceLog('build-worker'),
): Promise<RunningBuildWorker> {
  useLimits({ compilers: config.compilerLimits });
  const sandbox = await useSandbox(config.sandbox);
  if (sandbox === 'none') log.warn('diffs are built without a sandbox: they can read and run what this worker may');
  const app = await NestFactory.createApplicationContext(BuildWorkerModule.forConfig(config, log), {
    logger: false,
    abortOnError: false,
  });
  log.info({ queue: config.queue.kind, cacheDir: config.cacheDir, sandbox }, 'ready for jobs');
  return { stop: () => app.close() };
}
