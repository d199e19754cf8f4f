// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import { installLastResort } from '@lockstep/platform/runtime';
import { startTracing } from '@lockstep/platform/tracing';
import { createServiceLog } from '@lockstep/platform/service-log';
import { readWorkerConfig, startBuildWorker } from '@lockstep/services/build-worker';

const fail = (error: unknown): void => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
};

async function main(): Promise<void> {
  const log = createServiceLog('build-worker');
  installLastResort((message, err) => {
    log.fatal({ err }, message);
  });
  const endTracing = await startTracing('lockstep-build-worker', process.env);
  const worker = await startBuildWorker(readWorkerConfig(process.env), log);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      worker
        .stop()
        .then(endTracing)
        .then(() => process.exit(0), fail);
    });
  }
}

main().catch(fail);
