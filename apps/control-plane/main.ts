// SPDX-License-Identifier: GPL-2.0-only
import { visibleText } from '@lockstep/domain/visible-text';
import { collectEarly, installLastResort } from '@lockstep/platform/runtime';
import { startTracing } from '@lockstep/platform/tracing';
import { createServiceLog } from '@lockstep/platform/service-log';
import { createControlPlane, readControlPlaneConfig } from '@lockstep/services/control-plane';
import { runInit } from './init';

/** Longer than all that stops in order takes; whoever sent the signal must not wait for what hangs. */
const stopWithinMs = 60_000;

const fail = (error: unknown): void => {
  process.stderr.write(visibleText(`error: ${error instanceof Error ? error.message : String(error)}\n`));
  process.exit(1);
};

async function serve(): Promise<void> {
  const log = createServiceLog('control-plane');
  installLastResort((message, err) => {
    log.fatal({ err }, message);
  });
  const endTracing = await startTracing('lockstep-control-plane', process.env);
  const controlPlane = createControlPlane(readControlPlaneConfig(process.env), { log });
  let isStopping = false;
  const stop = (): void => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => {
      fail(new Error(`It did not stop within ${stopWithinMs} ms; the next start takes up what was left.`));
    }, stopWithinMs);
    controlPlane
      .stop()
      .then(endTracing)
      .then(() => process.exit(0), fail);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  await controlPlane.start().catch((error: unknown) => {
    if (!isStopping) throw error;
  });
}

async function main([command, ...rest]: readonly string[]): Promise<void> {
  if (command === undefined) return serve();
  if (command === 'init') return runInit(rest).then(() => process.exit(0));
  throw new Error(`"${command}" is no command: without one it serves; init sets a new control plane up`);
}

collectEarly();
main(process.argv.slice(2)).catch(fail);
