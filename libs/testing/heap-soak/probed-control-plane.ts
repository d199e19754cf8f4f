// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectOperator, type OperatorClient } from '@lockstep/io/rpc-client';
import { freePort } from '@lockstep/testing/local-servers';
import type { HeapAnswer } from './heap-probe';

const readyWithinMs = 120_000;
const stopWithinMs = 30_000;

interface EndpointFile {
  readonly operatorAddress: string;
  readonly agentAddress: string;
}

/** One node asks as often as it is answered. */
const unlimited = { LOCKSTEP_NODE_REPORTS_PER_SECOND: '100000', LOCKSTEP_NODE_CALLS_PER_SECOND: '100000' };

/** The real control plane, in a process of its own that can be asked for its heap. */
export class ProbedControlPlane implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    private readonly stateDir: string,
    private readonly endpoint: EndpointFile,
  ) {}

  /** @param dir gets its state and its log @param bundles where the built programs are @param env as it reads it */
  static async start(
    dir: string,
    bundles: string,
    env: Readonly<Record<string, string>> = unlimited,
  ): Promise<ProbedControlPlane> {
    const stateDir = path.join(dir, 'state');
    const logFile = path.join(dir, 'control-plane.log');
    const log = openSync(logFile, 'a');
    const child = fork(path.join(bundles, 'control-plane.js'), [], {
      execArgv: ['--expose-gc', '--require', path.join(bundles, 'soak-heap-probe.js')],
      stdio: ['ignore', log, log, 'ipc'],
      // Ctrl-C reaches the soak alone, which stops it in order.
      detached: true,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '/',
        LOCKSTEP_STATE_DIR: stateDir,
        LOCKSTEP_AUTO_INIT: 'on',
        LOCKSTEP_OPERATOR_PORT: String(await freePort()),
        LOCKSTEP_AGENT_PORT: String(await freePort()),
        LOCKSTEP_POSTGRES_PORT: String(await freePort()),
        LOCKSTEP_MONITORING_LISTEN: 'off',
        LOCKSTEP_SHARE_KERNELS: 'off',
        ...env,
      },
    });
    const file = path.join(stateDir, 'endpoint.json');
    const deadlineMs = performance.now() + readyWithinMs;
    while (!existsSync(file)) {
      if (child.exitCode !== null || performance.now() > deadlineMs) {
        child.kill('SIGKILL');
        throw new Error(`The control plane did not start:\n${readFileSync(logFile, 'utf8').slice(-4000)}`);
      }
      await sleep(50);
    }
    return new ProbedControlPlane(child, stateDir, JSON.parse(readFileSync(file, 'utf8')) as EndpointFile);
  }

  get agentAddress(): string {
    return this.endpoint.agentAddress;
  }

  get operatorAddress(): string {
    return this.endpoint.operatorAddress;
  }

  get ca(): string {
    return readFileSync(path.join(this.stateDir, 'pki/ca.crt'), 'utf8');
  }

  get adminToken(): string {
    return readFileSync(path.join(this.stateDir, 'operator.token'), 'utf8').trim();
  }

  operator(): OperatorClient {
    return connectOperator({ address: this.operatorAddress, ca: this.ca, token: this.adminToken });
  }

  /** In use after a collection, what is outside of the heap (buffers) included. */
  async heapBytes(): Promise<number> {
    this.child.send('measure');
    const [answer] = (await once(this.child, 'message')) as [HeapAnswer];
    return answer.usedBytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), stopWithinMs);
    await gone;
    clearTimeout(timer);
  }
}
