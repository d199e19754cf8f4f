// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { freePort } from '@lockstep/testing/local-servers';
import type { LoopAnswer, ProbeQuestion } from './event-loop-probe';
import { allocatorSettingsOf } from './image-environment';
import { cpuSeconds, peakResidentBytes, residentBytes } from './process-usage';

const readyWithinMs = 120_000;
const stopWithinMs = 60_000;

export interface BenchControlPlaneOptions {
  /** Gets its state and its log. */
  readonly dir: string;
  /** Where the programs of the build under test are. */
  readonly bundles: string;
  /** Where this build's are: the probe. */
  readonly ownBundles: string;
  readonly databaseUrl: string;
  /** Beside what it needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** The control plane under test, of whatever version, in a process of its own that can be killed and started again. */
export class BenchControlPlane implements AsyncDisposable {
  private child: ChildProcess | undefined;
  /** Of the lives before this one. */
  private cpuBefore = 0;
  private peakBefore = 0;

  private constructor(
    private readonly options: BenchControlPlaneOptions,
    readonly operatorPort: number,
    readonly agentPort: number,
  ) {}

  static async start(options: BenchControlPlaneOptions): Promise<BenchControlPlane> {
    const plane = new BenchControlPlane(options, await freePort(), await freePort());
    await plane.launch();
    return plane;
  }

  private get stateDir(): string {
    return path.join(this.options.dir, 'state');
  }

  get artifactDir(): string {
    return path.join(this.stateDir, 'artifacts');
  }

  get keysDir(): string {
    return path.join(this.stateDir, 'pki');
  }

  get ca(): string {
    return readFileSync(path.join(this.stateDir, 'pki/ca.crt'), 'utf8');
  }

  operator(): OperatorClient {
    const token = readFileSync(path.join(this.stateDir, 'operator.token'), 'utf8');
    return connectOperator({ address: `127.0.0.1:${this.operatorPort}`, ca: this.ca, token });
  }

  async launch(): Promise<void> {
    const { dir, bundles, ownBundles, databaseUrl, env = {} } = this.options;
    const logFile = path.join(dir, 'control-plane.log');
    const log = openSync(logFile, 'a');
    const ready = path.join(this.stateDir, 'endpoint.json');
    rmSync(ready, { force: true });
    const child = fork(path.join(bundles, 'control-plane.js'), [], {
      execArgv: ['--require', path.join(ownBundles, 'bench-fleet-probe.js')],
      stdio: ['ignore', log, log, 'ipc'],
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        LOCKSTEP_STATE_DIR: this.stateDir,
        LOCKSTEP_AUTO_INIT: 'on',
        LOCKSTEP_OPERATOR_PORT: String(this.operatorPort),
        LOCKSTEP_AGENT_PORT: String(this.agentPort),
        LOCKSTEP_DATABASE_URL: databaseUrl,
        LOCKSTEP_MONITORING_LISTEN: 'off',
        LOCKSTEP_SHARE_KERNELS: 'off',
        ...allocatorSettingsOf(bundles),
        ...env,
      },
    });
    this.child = child;
    const deadlineMs = performance.now() + readyWithinMs;
    while (!existsSync(ready)) {
      if (child.exitCode !== null || performance.now() > deadlineMs) {
        child.kill('SIGKILL');
        throw new Error(`The control plane did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
      }
      await sleep(50);
    }
    // What a program does before it is ready stops nobody.
    await this.stopsSince();
  }

  cpuSeconds(): number {
    return this.cpuBefore + cpuSeconds(this.living.pid ?? 0);
  }

  residentBytes(): number {
    return residentBytes(this.living.pid ?? 0);
  }

  peakResidentBytes(): number {
    return Math.max(this.peakBefore, peakResidentBytes(this.living.pid ?? 0));
  }

  /** Since this was asked last. A new life begins with its own. */
  stopsSince(): Promise<LoopAnswer> {
    return this.ask({ kind: 'measure' });
  }

  async beginProfile(): Promise<void> {
    await this.ask({ kind: 'profile' });
  }

  /** What was computed since, as a CPU profile in that file. */
  async keepProfile(file: string): Promise<void> {
    await this.ask({ kind: 'keep-profile', file });
  }

  private async ask(question: ProbeQuestion): Promise<LoopAnswer> {
    this.living.send(question);
    const [answer] = (await once(this.living, 'message')) as [LoopAnswer];
    return answer;
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.cpuBefore = this.cpuSeconds();
    this.peakBefore = this.peakResidentBytes();
    await this.end('SIGKILL');
  }

  private get living(): ChildProcess {
    if (this.child === undefined) throw new Error('The control plane does not run.');
    return this.child;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    await gone;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}
