// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readStorePlace, type StorePlace } from '@lockstep/io/artifact-store';
import { chooseQueueServer, type QueueServer } from '@lockstep/io/job-queue';
import { moduleHashes } from '@lockstep/io/certificates';
import { defaultCacheDirectory, sandboxChoices, type Limits, type SandboxChoice } from '@lockstep/io/kernel-builder';
import { listenAddressForm, type ListenAddress } from '@lockstep/io/monitoring-port';
import { z } from 'zod';
import type { ModuleKeyFiles } from './read-signers';

export interface WorkerConfig {
  readonly queue: QueueServer;
  readonly artifacts: StorePlace;
  /** Registered kernel builds, originals, staged trees. */
  readonly cacheDir: string;
  /** What registered kernel builds may take of it, if those that must stay allow. */
  readonly cacheMaxBytes: number;
  /** Jobs at once. */
  readonly concurrency: number;
  /** Compilers at once for each job; undefined: as many as processors. */
  readonly compilers: number | undefined;
  /** What compilers and make run in. */
  readonly sandbox: SandboxChoice;
  /** Private key (PEM) that signs what is built here; undefined: nothing is signed. */
  readonly buildKeyFile: string | undefined;
  /** RSA key and certificate (PEM) of the kernels' keyring; undefined: modules have no signature of the kernel's. */
  readonly moduleKey: ModuleKeyFiles | undefined;
  /** What one compiler may take; undefined: as much as usual. */
  readonly compilerLimits: Partial<Limits>;
  /** How long a worker that says nothing keeps its job; undefined: the queue's own default. */
  readonly lockMs: number | undefined;
  /** Where metrics and health are told, without TLS; undefined: nowhere. */
  readonly monitoringListen: ListenAddress | undefined;
}

const writtenSchema = z.object({
  LOCKSTEP_QUEUE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  LOCKSTEP_REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  LOCKSTEP_ARTIFACT_DIR: z.string().min(1),
  LOCKSTEP_CACHE_DIR: z.string().min(1).optional(),
  LOCKSTEP_CACHE_MAX_BYTES: z.coerce
    .number()
    .int()
    .min(0)
    .default(64 * 2 ** 30),
  LOCKSTEP_WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(1),
  LOCKSTEP_WORKER_COMPILERS: z.coerce.number().int().min(1).max(512).optional(),
  LOCKSTEP_BUILD_KEY: z.string().min(1).optional(),
  LOCKSTEP_MODULE_KEY: z.string().min(1).optional(),
  LOCKSTEP_MODULE_CERT: z.string().min(1).optional(),
  LOCKSTEP_MODULE_HASH: z.enum(moduleHashes).default('sha256'),
  LOCKSTEP_SANDBOX: z.enum(sandboxChoices).default('auto'),
  LOCKSTEP_COMPILER_MAX_SECONDS: z.coerce.number().int().min(1).max(86_400).optional(),
  LOCKSTEP_COMPILER_MAX_MIB: z.coerce.number().int().min(64).optional(),
  LOCKSTEP_WORKER_LOCK_MS: z.coerce.number().int().min(1_000).max(600_000).optional(),
  // A machine may have several workers, and one of these.
  LOCKSTEP_MONITORING_LISTEN: listenAddressForm.optional(),
});

function moduleKeyOf(config: z.infer<typeof writtenSchema>): ModuleKeyFiles | undefined {
  const { LOCKSTEP_MODULE_KEY: keyFile, LOCKSTEP_MODULE_CERT: certificateFile, LOCKSTEP_MODULE_HASH: hash } = config;
  if (keyFile === undefined && certificateFile === undefined) return undefined;
  if (keyFile !== undefined && certificateFile !== undefined) return { keyFile, certificateFile, hash };
  const message = 'Set LOCKSTEP_MODULE_KEY and LOCKSTEP_MODULE_CERT, or neither: the kernel is told whose key it was.';
  throw new LockstepError('invalid-input', 'invalid-config', message);
}

/** @throws LockstepError `invalid-config`, naming the variables. */
export function readWorkerConfig(env: Readonly<NodeJS.ProcessEnv>): WorkerConfig {
  const written = writtenSchema.safeParse(env);
  if (!written.success) {
    const message = `The worker's configuration is wrong:\n${z.prettifyError(written.error)}`;
    throw new LockstepError('invalid-input', 'invalid-config', message);
  }
  const config = written.data;
  const queue = chooseQueueServer(config.LOCKSTEP_QUEUE_URL, config.LOCKSTEP_REDIS_URL);
  if (queue === undefined) {
    const message =
      'Set LOCKSTEP_QUEUE_URL (queueUrl in the endpoint.json of the control plane) or LOCKSTEP_REDIS_URL: the queue that the control plane ' +
      'uses. A worker takes no LOCKSTEP_DATABASE_URL: what it builds is to reach no database.';
    throw new LockstepError('invalid-input', 'invalid-config', message);
  }
  return {
    queue,
    artifacts: readStorePlace(env, config.LOCKSTEP_ARTIFACT_DIR),
    cacheDir: config.LOCKSTEP_CACHE_DIR ?? defaultCacheDirectory(),
    cacheMaxBytes: config.LOCKSTEP_CACHE_MAX_BYTES,
    concurrency: config.LOCKSTEP_WORKER_CONCURRENCY,
    compilers: config.LOCKSTEP_WORKER_COMPILERS,
    buildKeyFile: config.LOCKSTEP_BUILD_KEY,
    moduleKey: moduleKeyOf(config),
    sandbox: config.LOCKSTEP_SANDBOX,
    compilerLimits: {
      ...(config.LOCKSTEP_COMPILER_MAX_SECONDS && { seconds: config.LOCKSTEP_COMPILER_MAX_SECONDS }),
      ...(config.LOCKSTEP_COMPILER_MAX_MIB && { memoryBytes: config.LOCKSTEP_COMPILER_MAX_MIB * 2 ** 20 }),
    },
    lockMs: config.LOCKSTEP_WORKER_LOCK_MS,
    monitoringListen: config.LOCKSTEP_MONITORING_LISTEN,
  };
}
