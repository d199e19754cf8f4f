// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** How long a service may take to stop by itself before it is killed. */
const stopPatienceMs = 5_000;

export interface Service {
  readonly name: string;
  readonly logFile: string;
  /** Resolves when it has ended; ends it if needed. */
  stop(): Promise<void>;
  /** Throws if it has ended by itself. */
  assertRunning(): void;
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** Starts `dist/<bundle>` as a process of its own, its output in `<logDir>/<name>.log`. */
export function startService(name: string, bundle: string, env: NodeJS.ProcessEnv, logDir: string): Service {
  const logFile = path.join(logDir, `${name}.log`);
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [bundle], { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
  const exit = new Promise<void>((resolve) =>
    child.once('exit', () => {
      resolve();
    }),
  );
  return {
    name,
    logFile,
    assertRunning() {
      if (!ended(child)) return;
      const how = child.signalCode ?? `exit code ${child.exitCode ?? '?'}`;
      throw new LockstepError('internal', 'service-ended', `${name} has ended (${how}): see ${logFile}.`, {
        name,
        logFile,
      });
    },
    async stop() {
      if (ended(child)) return;
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), stopPatienceMs);
      await exit;
      clearTimeout(kill);
    },
  };
}

/** What to undo at the end, last first; every step is tried, whatever the others do. */
export class Cleanup {
  private readonly steps: (() => Promise<void>)[] = [];

  add(step: () => Promise<void>): void {
    this.steps.push(step);
  }

  async run(): Promise<void> {
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      await step().catch((error: unknown) => {
        process.stderr.write(`cleanup: ${String(error)}\n`);
      });
    }
  }
}
