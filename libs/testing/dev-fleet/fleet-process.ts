// SPDX-License-Identifier: GPL-2.0-only
import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Gets all output, of every life. */
  readonly logFile: string;
}

/** A process that can be killed and started again, as often as wanted. */
export interface FleetProcess {
  readonly name: string;
  readonly logFile: string;
  isRunning(): boolean;
  pid(): number | undefined;
  start(): void;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, after a while SIGKILL. Answers the exit code, null when a signal ended it. */
  stop(): Promise<number | null>;
  /** Stops it where it is (SIGSTOP) or lets it go on: a peer that answers never, then late. */
  freeze(): void;
  thaw(): void;
  /** Throws, with the log's last lines, if it has ended by itself. */
  assertRunning(): void;
}

const stopPatienceMs = 10_000;
const tailLines = 30;

const living = new Set<ChildProcess>();
// A test run that is cut off leaves nothing running.
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
}

export function fleetProcess({ name, command, args, env, logFile }: ProcessSpec): FleetProcess {
  let child: ChildProcess | undefined;
  const current = (): ChildProcess | undefined =>
    child?.exitCode === null && child.signalCode === null ? child : undefined;
  const logTail = (): string => readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-tailLines).join('\n');
  return {
    name,
    logFile,
    isRunning: () => current() !== undefined,
    pid: () => current()?.pid,
    start() {
      if (current() !== undefined) throw new Error(`${name} runs already`);
      const log = openSync(logFile, 'a', 0o600);
      // Only what is named: a test must not depend on the shell it was started from.
      const environment = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env };
      const started = spawn(command, args, { env: environment, stdio: ['ignore', log, log] });
      closeSync(log);
      // It must not keep a test run alive that forgot it.
      started.unref();
      living.add(started);
      started.once('exit', () => living.delete(started));
      child = started;
    },
    async kill() {
      const running = current();
      running?.kill('SIGKILL');
      if (running !== undefined) await exited(running);
    },
    async stop() {
      const running = current();
      if (running === undefined) return child?.exitCode ?? null;
      running.kill('SIGCONT');
      running.kill('SIGTERM');
      const timer = setTimeout(() => running.kill('SIGKILL'), stopPatienceMs);
      await exited(running);
      clearTimeout(timer);
      return running.exitCode;
    },
    freeze() {
      current()?.kill('SIGSTOP');
    },
    thaw() {
      current()?.kill('SIGCONT');
    },
    assertRunning() {
      if (current() !== undefined) return;
      throw new Error(`${name} has ended (${child?.signalCode ?? child?.exitCode ?? 'never started'}):\n${logTail()}`);
    },
  };
}

/** Processes that start and end together, in this order; log and pid are the last one's. */
export function processesAsOne(name: string, processes: readonly FleetProcess[]): FleetProcess {
  const last = processes.at(-1);
  if (last === undefined) throw new Error(`${name} has no process`);
  return {
    name,
    logFile: last.logFile,
    isRunning: () => processes.some((each) => each.isRunning()),
    pid: () => last.pid(),
    start() {
      for (const each of processes) each.start();
    },
    async kill() {
      await Promise.all(processes.map((each) => each.kill()));
    },
    async stop() {
      const codes = await Promise.all(processes.map((each) => each.stop()));
      return codes.every((code) => code === 0) ? 0 : (codes.find((code) => code !== 0) ?? null);
    },
    freeze() {
      for (const each of processes) each.freeze();
    },
    thaw() {
      for (const each of processes) each.thaw();
    },
    assertRunning() {
      for (const each of processes) each.assertRunning();
    },
  };
}
