// SPDX-License-Identifier: GPL-2.0-only
import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import { startJobWorker, type JobWorker } from '@lockstep/io/job-queue';
import type { Logger } from 'pino';
import { jobHandler } from './handle-job';
import { KernelCache } from './kernel-cache';
import { OpenKernels } from './open-kernels';
import { readSigners } from './read-signers';
import { workPlaceId } from './work-place-id';
import type { WorkerConfig } from './worker-config';
import { WorkerMonitoring } from './worker-monitoring';

/** Takes jobs from the moment it is made until the application shuts down. */
class RunningWorker implements OnApplicationShutdown {
  constructor(
    private readonly workers: readonly JobWorker[],
    private readonly monitoring: WorkerMonitoring,
  ) {}

  async onApplicationShutdown(): Promise<void> {
    this.monitoring.notReadyBecause = ['The worker is stopping.'];
    await Promise.all(this.workers.map((worker) => worker.close()));
    await this.monitoring.close();
  }
}

async function startWorking(config: WorkerConfig, artifacts: ArtifactStore, log: Logger): Promise<RunningWorker> {
  const { cacheDir, cacheMaxBytes: maxBytes, compilers, concurrency, lockMs, queue: server } = config;
  const signer = await readSigners(config.buildKeyFile, config.moduleKey);
  const id = await workPlaceId(cacheDir);
  const cache = new KernelCache({ cacheDir, artifacts, log, maxBytes });
  cache.makeRoom().catch((err: unknown) => {
    log.warn({ err }, 'could not make room for kernels');
  });
  const kernels = new OpenKernels({ cacheDir, artifacts, cache });
  const monitoring = await WorkerMonitoring.open(config, log);
  const handler = monitoring.metrics.measuring(jobHandler({ cacheDir, id, kernels, artifacts, compilers, signer }));
  const onError = (error: Error): void => {
    log.error({ error: error.message }, 'the queue failed');
  };
  const common = { server, handler, onError, ...(lockMs === undefined ? {} : { lockMs }) };
  const work = await startJobWorker({ ...common, concurrency });
  // A place of its own: packing a kernel build must not keep a patch waiting.
  const background = await startJobWorker({ ...common, lane: 'background', concurrency: 1 });
  monitoring.notReadyBecause = [];
  return new RunningWorker([work, background], monitoring);
}

const artifactStore = Symbol('ArtifactStore');

@Module({})
export class BuildWorkerModule {
  static forConfig(config: WorkerConfig, log: Logger): DynamicModule {
    return {
      module: BuildWorkerModule,
      providers: [
        { provide: artifactStore, useFactory: () => openArtifactStore(config.artifacts) },
        {
          provide: RunningWorker,
          inject: [artifactStore],
          useFactory: (artifacts: ArtifactStore) => startWorking(config, artifacts, log),
        },
      ],
    };
  }
}
