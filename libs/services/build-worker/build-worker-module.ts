// SPDX-License-Identifier: GPL-2.0-only
import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import { startJobWorker, type JobWorker } from '@lockstep/io/job-queue';
import type { Logger } from 'pino';
import { jobHandler } from './handle-job';
import { OpenKernels } from './open-kernels';
import type { WorkerConfig } from './worker-config';

/** Takes jobs from the moment it is made until the application shuts down. */
class RunningWorker implements OnApplicationShutdown {
  constructor(private readonly worker: JobWorker) {}

  async onApplicationShutdown(): Promise<void> {
    await this.worker.close();
  }
}

const artifactStore = Symbol('ArtifactStore');

@Module({})
export class BuildWorkerModule {
  static forConfig(config: WorkerConfig, log: Logger): DynamicModule {
    const { cacheDir, artifacts, compilers, concurrency, lockMs, queue } = config;
    return {
      module: BuildWorkerModule,
      providers: [
        { provide: artifactStore, useFactory: () => openArtifactStore(artifacts) },
        { provide: OpenKernels, useFactory: () => new OpenKernels(cacheDir) },
        {
          provide: RunningWorker,
          inject: [OpenKernels, artifactStore],
          useFactory: async (kernels: OpenKernels, artifacts: ArtifactStore) =>
            new RunningWorker(
              await startJobWorker({
                server: queue,
                concurrency,
                ...(lockMs === undefined ? {} : { lockMs }),
                handler: jobHandler({ cacheDir, kernels, artifacts, compilers }),
                onError: (error) => {
                  log.error({ error: error.message }, 'the queue failed');
                },
              }),
            ),
        },
      ],
    };
  }
}
