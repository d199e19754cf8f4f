// SPDX-License-Identifier: GPL-2.0-only
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseKernelBuildId } from '@lockstep/domain/livepatch-model';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import type { AgentsState, StartAgents } from './agents-messages';
import { setService, writeProbeLists } from './probe-list';

const startedWithinMs = 300_000;

/** `node-007` of hundreds: their names sort as they count. */
export const nodeNames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `node-${String(index + 1).padStart(String(count).length, '0')}`);

export interface StoryFleetOptions {
  /** Where the bundles are. */
  readonly bundles: string;
  readonly dir: string;
  readonly names: readonly string[];
  readonly kernel: { readonly id: string; readonly release: string };
  readonly server: string;
  readonly joinToken: string;
  readonly signal: AbortSignal;
}

/** Machines without a kernel: folders that stand for kernels, and the real agents of all of them in one process. */
export class StoryFleet implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    private readonly kernels: ReadonlyMap<string, DirectoryKernel>,
    private readonly dir: string,
  ) {}

  /** Resolves when all have enrolled. @param onStarted told how many have */
  static async start(options: StoryFleetOptions, onStarted: (count: number) => void): Promise<StoryFleet> {
    const { bundles, dir, names, kernel, server, joinToken, signal } = options;
    const nodes = names.map((name) => ({ name, folder: path.join(dir, name) }));
    const kernels = new Map<string, DirectoryKernel>();
    const identity = { kernelBuild: parseKernelBuildId(kernel.id), release: kernel.release };
    for (const { name, folder } of nodes) {
      kernels.set(name, await DirectoryKernel.create(path.join(folder, 'kernel'), identity, { transitionMs: 200 }));
    }
    await writeProbeLists(nodes.map(({ folder }) => folder));
    const child = fork(path.join(bundles, 'story-agents.js'), [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const fleet = new StoryFleet(child, kernels, dir);
    try {
      child.send({ server, joinToken, nodes } satisfies StartAgents);
      await fleet.allStarted(names.length, onStarted, signal);
      return fleet;
    } catch (error) {
      await fleet[Symbol.asyncDispose]();
      throw error;
    }
  }

  private async allStarted(count: number, onStarted: (count: number) => void, stop: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stop, AbortSignal.timeout(startedWithinMs)]);
    for (;;) {
      const [state] = (await once(this.child, 'message', { signal })) as [AgentsState];
      if (state.failure !== undefined) throw new Error(`An agent failed: ${state.failure}`);
      onStarted(state.started);
      if (state.started === count) return;
    }
  }

  /** The node's service answers no more, as after a fix that it does not bear; or it answers again. */
  async setService(node: string, answers: boolean): Promise<void> {
    await setService(path.join(this.dir, node), answers);
  }

  /** A task of the node sleeps in what that module changes: it does not come into effect before the task has left. */
  async sleepIn(node: string, module: string): Promise<void> {
    const sleeper = { pid: 411, comm: 'backup', function: 'meminfo_proc_show' };
    await this.kernels.get(node)?.change({ sleepers: { [module]: [sleeper] } });
  }

  async wake(node: string): Promise<void> {
    await this.kernels.get(node)?.change({ sleepers: {} });
  }

  /** Names of the modules that the node's kernel holds, bottom first. */
  async holds(node: string): Promise<readonly string[]> {
    const observed = await this.kernels.get(node)?.observe();
    return (observed ?? []).map(({ module }) => module);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
