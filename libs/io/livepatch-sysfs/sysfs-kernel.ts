// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import type { Consistency } from '@lockstep/domain/load-order';
import type { Blocker } from '@lockstep/domain/node-state';
import { blockingTasks } from './blocking-tasks';
import { buildIdFromNotes } from './build-id';
import { refuseConflicts, type KernelIdentity, type LivepatchKernel, type LoadRequest } from './livepatch-kernel';
import { readKernelConflicts } from './kernel-conflicts';
import { readTransitionStats, showBlocker } from './transition-stats';
import { createModuleTools, type ModuleTools } from './module-tools';
import {
  livepatchFolder,
  loadedModules,
  observePatches,
  unlessGone,
  type KernelRoots,
  type LoadedModule,
} from './sysfs-view';

/** A transition that takes its time. */
export interface Waiting {
  readonly module: ModuleName;
  readonly enabling: boolean;
  readonly elapsedMs: number;
  /** Some of the tasks that it waits for, as `pid (comm)`. */
  readonly blocking: readonly string[];
}

export interface SysfsKernelOptions {
  readonly roots?: KernelRoots;
  readonly tools?: ModuleTools;
  /** Writes an existing sysfs file; trees in tests have no kernel behind them that reacts to a write. */
  readonly writeAttribute?: (file: string, text: string) => Promise<void>;
  /** A transition that takes longer is taken back. Most end within seconds; a sleeping task can hold one for ever. */
  readonly transitionTimeoutMs?: number;
  /** Told about once a second while a transition goes on. */
  readonly onWaiting?: (waiting: Waiting) => void;
  /** Aborted: a transition under way is taken back at once, as after the time limit. */
  readonly signal?: AbortSignal;
}

const defaultTransitionTimeoutMs = 60_000;
const pollMs = 20;
const tellMs = 1000;
/** The kernel drops its last reference to a disabled livepatch from a work queue, a moment after the transition. */
const removeTimeoutMs = 10_000;

// sysfs has no files to create: one that is not there belongs to a livepatch that has gone. For writing only: the
// override attribute cannot be opened to be read, not even by root.
const writeExisting = (file: string, text: string): Promise<void> =>
  writeFile(file, text, { flag: constants.O_WRONLY });

/** The running kernel, through sysfs, procfs and the module tools. Needs root. */
export class SysfsKernel implements LivepatchKernel {
  private readonly roots: KernelRoots;
  private readonly tools: ModuleTools;
  private readonly writeAttribute: (file: string, text: string) => Promise<void>;
  private readonly transitionTimeoutMs: number;
  private readonly onWaiting: SysfsKernelOptions['onWaiting'];
  private readonly signal: AbortSignal | undefined;

  constructor(options: SysfsKernelOptions = {}) {
    this.roots = options.roots ?? { sys: '/sys', proc: '/proc' };
    this.tools = options.tools ?? createModuleTools();
    this.writeAttribute = options.writeAttribute ?? writeExisting;
    this.transitionTimeoutMs = options.transitionTimeoutMs ?? defaultTransitionTimeoutMs;
    this.onWaiting = options.onWaiting;
    this.signal = options.signal;
  }

  async identity(): Promise<KernelIdentity> {
    const { sys, proc } = this.roots;
    const [notes, release, bootId, patchedCore] = await Promise.all([
      readFile(path.join(sys, 'kernel/notes')),
      readFile(path.join(proc, 'sys/kernel/osrelease'), 'latin1'),
      readFile(path.join(proc, 'sys/kernel/random/boot_id'), 'latin1'),
      this.hasPatchedCore(),
    ]);
    return { kernelBuild: buildIdFromNotes(notes), release: release.trim(), bootId: bootId.trim(), patchedCore };
  }

  observe(): ReturnType<LivepatchKernel['observe']> {
    return observePatches(this.roots);
  }

  async conflicts(): ReturnType<LivepatchKernel['conflicts']> {
    return (await readKernelConflicts(this.roots)) ?? [];
  }

  async lastTransition(): ReturnType<LivepatchKernel['lastTransition']> {
    const last = await readTransitionStats(this.roots);
    if (last !== undefined && (last.mode !== 'per_task' || last.result !== 'pending')) return last;
    // Of a transition of the stock kind, or on a stock core, the tasks tell.
    const patch = (await this.observe()).find(({ transition }) => transition);
    if (patch === undefined) return last;
    const { module, enabled } = patch;
    const begun = { mode: 'per_task', result: 'pending', direction: enabled ? 'patching' : 'unpatching' } as const;
    const counts = { attempts: 0, windowLastNs: 0, windowMaxNs: 0, checkedOutside: 0, checkedInside: 0 };
    const elapsedMs = last?.elapsedMs ?? 0;
    return { module, ...begun, ...counts, elapsedMs, blockers: await this.blockers(module, enabled) };
  }

  /** Every module that is a livepatch, in effect or not, newest first. */
  async livepatchModules(): Promise<readonly LoadedModule[]> {
    return (await loadedModules(this.roots)).filter(({ livepatch }) => livepatch);
  }

  /** The kernel's own numbers for places in the load order, from 1 at the bottom; empty where the core has none. */
  async stackOrders(): Promise<ReadonlyMap<ModuleName, number>> {
    const orders = new Map<ModuleName, number>();
    for (const { module } of await this.observe()) {
      const order = await unlessGone(readFile(this.patchFile(module, 'stack_order'), 'latin1'));
      if (order !== undefined) orders.set(module, Number(order));
    }
    return orders;
  }

  async load(request: LoadRequest): Promise<void> {
    const { module, mayShadow, replaces } = request;
    const loaded = await observePatches(this.roots);
    refuseConflicts(request, loaded);
    await this.clearName(module);
    const victims = loaded.map((patch) => patch.module).filter((name) => mayShadow.includes(name));
    if (victims.length > 0 && !request.replace && (await this.hasPatchedCore())) await this.grant(module, victims);
    await this.chooseConsistency(module, request.consistency);
    await this.insert(request);
    await this.settle(module);
    if (!(await this.isInEffect(module))) await this.failTakenBack(module);
    // Not in effect any more whether they can be removed or not.
    for (const replaced of replaces) await this.removeModule(replaced).catch(() => undefined);
  }

  async unload(module: ModuleName): Promise<void> {
    if (await this.isInEffect(module)) {
      await this.settle(module);
      // It goes the way that it came.
      await this.chooseConsistency(module, (await readTransitionStats(this.roots, module))?.mode);
      if (await this.readFlag(module, 'enabled')) await this.writeEnabled(module, false);
      await this.settle(module);
      if (await this.isInEffect(module)) await this.failTakenBack(module);
    }
    await this.removeModule(module);
  }

  async settle(module: ModuleName): Promise<void> {
    if (await this.transitionEnds(module, this.signal)) return;
    const enabling = await this.readFlag(module, 'enabled');
    const blocking = await this.blocking(module, enabling);
    // Whatever it switches to, back: the core takes only one transition at a time, and this one may never end.
    await this.writeEnabled(module, !enabling);
    const reversed = await this.transitionEnds(module);
    if (reversed && enabling) await this.removeModule(module);
    const isInterrupted = this.signal?.aborted === true;
    const what = `${enabling ? 'Loading' : 'Unloading'} ${module}`;
    throw new LockstepError(
      isInterrupted ? 'cancelled' : 'unavailable',
      isInterrupted ? 'interrupted' : 'transition-timeout',
      `${what} ${isInterrupted ? 'was interrupted' : `did not end within ${this.transitionTimeoutMs} ms`}` +
        `${reversed ? ' and was taken back' : ', nor could it be taken back'}; tasks in the way: ${blocking.join(', ')}.`,
      { module, blocking, reversed },
    );
  }

  /** @throws LockstepError `refused` `consistency-unsupported` where the core knows of no modes. */
  private async chooseConsistency(module: ModuleName, mode: Consistency = 'per_task'): Promise<void> {
    const file = path.join(livepatchFolder(this.roots), 'consistency');
    const now = (await unlessGone(readFile(file, 'latin1')))?.trim();
    if (now === mode || (now === undefined && mode === 'per_task')) return;
    if (now === undefined) {
      const message = `${module} is to be switched with consistency ${mode}, which this kernel does not have: boot the patched core.`;
      throw new LockstepError('refused', 'consistency-unsupported', message, { module, consistency: mode });
    }
    await this.writeAttribute(file, mode);
  }

  /** The kernel gave up and runs what it ran before. @throws LockstepError `unavailable` `transition-failed`. */
  private async failTakenBack(module: ModuleName): Promise<never> {
    const last = await readTransitionStats(this.roots);
    const isOfIt = last?.module === module;
    if (!(await this.isInEffect(module))) await this.removeModule(module);
    const blocking = isOfIt ? last.blockers.map(showBlocker) : [];
    const tries = isOfIt ? ` after ${last.attempts} attempts` : '';
    const message =
      `The kernel could not switch ${module}${tries} and took it back; tasks in the way: ` +
      `${blocking.join(', ') || 'none named'}. It is tried again.`;
    throw new LockstepError('unavailable', 'transition-failed', message, { module, blocking });
  }

  private async blocking(module: ModuleName, enabling: boolean): Promise<string[]> {
    return (await this.blockers(module, enabling)).map(showBlocker);
  }

  /** The tasks that a transition of the stock kind waits for. */
  private async blockers(module: ModuleName, enabling: boolean): Promise<Blocker[]> {
    const patch = (await observePatches(this.roots)).find((each) => each.module === module);
    return blockingTasks(this.roots, enabling ? 1 : 0, new Set(patch?.functions.map(({ name }) => name)));
  }

  private hasPatchedCore(): Promise<boolean> {
    return access(path.join(livepatchFolder(this.roots), 'override')).then(
      () => true,
      () => false,
    );
  }

  /** One shot: the next load of `module` may shadow the victims. */
  private async grant(module: ModuleName, victims: readonly ModuleName[]): Promise<void> {
    await this.writeAttribute(path.join(livepatchFolder(this.roots), 'override'), `${module} ${victims.join(',')}\n`);
  }

  private patchFile(module: ModuleName, name: string): string {
    return path.join(livepatchFolder(this.roots), module, name);
  }

  private async readFlag(module: ModuleName, name: 'enabled' | 'transition'): Promise<boolean> {
    return (await unlessGone(readFile(this.patchFile(module, name), 'latin1')))?.trim() === '1';
  }

  private async writeEnabled(module: ModuleName, enabled: boolean): Promise<void> {
    await unlessGone(this.writeAttribute(this.patchFile(module, 'enabled'), enabled ? '1' : '0'));
  }

  private async isInEffect(module: ModuleName): Promise<boolean> {
    return (await observePatches(this.roots)).some((patch) => patch.module === module);
  }

  private async insert({ path: file, module }: LoadRequest): Promise<void> {
    try {
      await this.tools.insert(file, module);
    } catch (error) {
      // Ctrl-C on a terminal ends the tool too, perhaps after the kernel has taken the module.
      if (this.signal?.aborted !== true || !(await this.isInEffect(module))) throw error;
    }
  }

  /** Whether it did within the time limit and before `signal`. */
  private async transitionEnds(module: ModuleName, signal?: AbortSignal): Promise<boolean> {
    const begun = Date.now();
    let told = begun;
    while (await this.readFlag(module, 'transition')) {
      const now = Date.now();
      if (signal?.aborted === true || now - begun >= this.transitionTimeoutMs) return false;
      if (now - told >= tellMs) {
        told = now;
        await this.tell(module, now - begun);
      }
      await sleep(pollMs);
    }
    return true;
  }

  private async tell(module: ModuleName, elapsedMs: number): Promise<void> {
    if (this.onWaiting === undefined) return;
    const enabling = await this.readFlag(module, 'enabled');
    this.onWaiting({ module, enabling, elapsedMs, blocking: await this.blocking(module, enabling) });
  }

  /** A module that is loaded but not in effect is left over from an interrupted unload, or was replaced. */
  private async clearName(module: ModuleName): Promise<void> {
    const leftover = (await loadedModules(this.roots)).find(({ name }) => name === module);
    if (leftover === undefined) return;
    if (!leftover.livepatch || (await this.isInEffect(module))) {
      throw new LockstepError('refused', 'module-exists', `A module named ${module} is loaded already.`, { module });
    }
    await this.removeModule(module);
  }

  private async removeModule(module: ModuleName): Promise<void> {
    const deadline = Date.now() + removeTimeoutMs;
    while ((await loadedModules(this.roots)).some(({ name }) => name === module)) {
      if (await this.tools.remove(module)) return;
      if (Date.now() >= deadline) {
        throw new LockstepError(
          'unavailable',
          'module-in-use',
          `Module ${module} stays in use and cannot be removed.`,
          {
            module,
          },
        );
      }
      await sleep(pollMs);
    }
  }
}
