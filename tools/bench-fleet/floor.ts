// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { cpuSeconds, peakResidentBytes } from './process-usage';

export interface FloorOptions {
  readonly bundles: string;
  readonly port: number;
  /** Of the control plane, whose certificate it shows. */
  readonly keysDir: string;
}

/** The server that does nothing, in a process of its own. */
export class Floor implements AsyncDisposable {
  private constructor(private readonly child: ChildProcess) {}

  static async start({ bundles, port, keysDir }: FloorOptions): Promise<Floor> {
    const child = fork(path.join(bundles, 'bench-fleet-floor.js'), [String(port), keysDir], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [word] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (word !== 'listening') throw new Error(`The floor server did not start: ${String(word)}`);
    return new Floor(child);
  }

  cpuSeconds(): number {
    return cpuSeconds(this.child.pid ?? 0);
  }

  peakResidentBytes(): number {
    return peakResidentBytes(this.child.pid ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
