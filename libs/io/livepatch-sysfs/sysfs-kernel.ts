// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';
import { blockingTasks } from './blocking-tasks';
import { buildIdFromNotes } from './build-id';
import { refuseConflicts, type KernelIdentity, type LivepatchKernel, type LoadRequest } from './livepatch-kernel';
import { createModuleTools, type ModuleTools } from './module-tools';
import { livepatchFolder, loadedModules, observePatches, unlessGone, type KernelRoots } from './sysfs-view';

export interface SysfsKernelOptions {
  readonly roots?: KernelRoots;
  readonly tools?: ModuleTools;
  /** Writes an existing sysfs file; trees in tests have no kernel behind them that reacts to a write. */
  readonly writeAttribute?: (file: string, text: string) => Promise<void>;
  /** A transition that takes longer is taken back. Most end within seconds; a sleeping task can hold one for ever. */
  readonly transitionTimeoutMs?: number;
}

const defaultTransitionTimeoutMs = 60_000;
const pollMs = 20;
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

  constructor(options: SysfsKernelOptions = {}) {
    this.roots = options.roots ?? { sys: '/sys', proc: '/proc' };
    this.tools = options.tools ?? createModuleTools();
    this.writeAttribute = options.writeAttribute ?? writeExisting;
    this.transitionTimeoutMs = options.transitionTimeoutMs ?? defaultTransitionTimeoutMs;
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

  async load(request: LoadRequest): Promise<void> {
    const { module, mayShadow, replaces } = request;
    const loaded = await observePatches(this.roots);
    refuseConflicts(request, loaded);
    await this.clearName(module);
    const victims = loaded.map((patch) => patch.module).filter((name) => mayShadow.includes(name));
    if (victims.length > 0 && !request.replace && (await this.hasPatchedCore())) await this.grant(module, victims);
    await this.tools.insert(request.path, module);
    await this.settle(module);
    // Not in effect any more whether they can be removed or not.
    for (const replaced of replaces) await this.removeModule(replaced).catch(() => undefined);
  }

  async unload(module: ModuleName): Promise<void> {
    if (await this.isInEffect(module)) {
      await this.settle(module);
      if (await this.readFlag(module, 'enabled')) await this.writeEnabled(module, false);
      await this.settle(module);
    }
    await this.removeModule(module);
  }

  async settle(module: ModuleName): Promise<void> {
    if (await this.transitionEnds(module)) return;
    const enabling = await this.readFlag(module, 'enabled');
    const blocking = await blockingTasks(this.roots, enabling ? 1 : 0);
    // Whatever it switches to, back: the core takes only one transition at a time, and this one may never end.
    await this.writeEnabled(module, !enabling);
    const reversed = await this.transitionEnds(module);
    if (reversed && enabling) await this.removeModule(module);
    throw new LockstepError(
      'unavailable',
      'transition-timeout',
      `${enabling ? 'Loading' : 'Unloading'} ${module} did not end within ${this.transitionTimeoutMs} ms` +
        `${reversed ? ' and was taken back' : ', nor could it be taken back'}; tasks in the way: ${blocking.join(', ')}.`,
      { module, blocking, reversed },
    );
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

  /** Whether it did within the time limit. */
  private async transitionEnds(module: ModuleName): Promise<boolean> {
    const deadline = Date.now() + this.transitionTimeoutMs;
    while (await this.readFlag(module, 'transition')) {
      if (Date.now() >= deadline) return false;
      await sleep(pollMs);
    }
    return true;
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
