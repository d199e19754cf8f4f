// SPDX-License-Identifier: GPL-2.0-only
import { constants } from 'node:fs';
import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readModuleOrigin, type ModuleOrigin } from '@lockstep/domain/klp-module';
import { LockstepError, type KernelTrouble, type ModuleName, type Obstacle } from '@lockstep/domain/livepatch-model';
import { defaultTransitionTimeoutMs, patienceMs, type Consistency } from '@lockstep/domain/load-order';
import type { Blocker, KernelConflict, Transition } from '@lockstep/domain/node-state';
import { errorCode } from '@lockstep/platform/runtime';
import { blockingTasks, type Round } from './blocking-tasks';
import { BlockerWatch } from './blocker-watch';
import { buildIdFromNotes } from './build-id';
import {
  refuseConflicts,
  refuseOtherKernel,
  type KernelIdentity,
  type LivepatchKernel,
  type LoadRequest,
} from './livepatch-kernel';
import { readKernelConflicts } from './kernel-conflicts';
import { estimateLoad, loadLimitMs, walksOfSymbols, type LoadEstimate } from './load-estimate';
import { createModuleCalls, type ModuleCalls } from './module-calls';
import { ModuleLoader } from './module-loader';
import { KernelLog } from './kernel-log';
import { hostObstacles } from './obstacles';
import { panicTimes } from './panic-records';
import { TaskHolders } from './task-holders';
import { TransitionFailure, type TransitionFailureReason } from './transition-failure';
import { readTransitionStats, showBlocker, stockTransition } from './transition-stats';
import {
  consistencyInterface,
  restoreKernelLimit,
  settingsAsParameters,
  withKernelLimit,
  writeOwnSettings,
  type SwitchSettings,
  type WriteAttribute,
} from './switch-settings';
import {
  livepatchesIn,
  livepatchFolder,
  loadedModules,
  observePatches,
  readIfTold,
  readStackOrder,
  unlessGone,
  type KernelRoots,
  type LoadedModule,
} from './sysfs-view';

/** A transition that takes its time. */
export interface Waiting {
  readonly module: ModuleName;
  readonly enabling: boolean;
  readonly elapsedMs: number;
  /** Some of the tasks that it waits for, as `pid (comm) in function`. */
  readonly blocking: readonly string[];
}

export interface SysfsKernelOptions {
  readonly roots?: KernelRoots;
  readonly calls?: ModuleCalls;
  /** Writes an existing sysfs file; trees in tests have no kernel behind them that reacts to a write. */
  readonly writeAttribute?: WriteAttribute;
  /** A transition that takes longer is taken back, where the call does not say how long it may take. */
  readonly transitionTimeoutMs?: number;
  /** How long a load that is expected to take so long may take, before the kernel is asked what became of it. */
  readonly loadLimitMs?: (expectedMs: number) => number;
  /** Told before the kernel is given a module. */
  readonly onLoading?: (estimate: LoadEstimate) => void;
  /** Told about once a second while a transition goes on. */
  readonly onWaiting?: (waiting: Waiting) => void;
  /** Aborted: a transition under way is taken back at once, as after the time limit. */
  readonly signal?: AbortSignal;
}

/** What a transition makes of a livepatch, and how long it may take. */
interface Goal {
  readonly module: ModuleName;
  readonly inEffect: boolean;
  readonly limitMs: number;
}

/** A way back that takes longer is left to go on: the next thing that is done to the livepatch waits for it first. */
const reversalTimeoutMs = 60_000;
const pollMs = 20;
const tellMs = 1000;
/** The kernel interrupts sleepers 3 s after the limit that a load has by default: what is seen by then is told. */
const lastLookMs = 1000;
const obstaclesLastMs = 30_000;

// sysfs has no files to create: one that is not there belongs to a livepatch that has gone. For writing only: the
// override attribute cannot be opened to be read, not even by root.
const writeExisting = (file: string, text: string): Promise<void> =>
  writeFile(file, text, { flag: constants.O_WRONLY });

/** The running kernel, through sysfs, procfs and the system calls on modules. Needs root. */
export class SysfsKernel implements LivepatchKernel {
  private readonly roots: KernelRoots;
  private readonly loader: ModuleLoader;
  private readonly writeAttribute: WriteAttribute;
  private readonly transitionTimeoutMs: number;
  private readonly loadLimitMs: (expectedMs: number) => number;
  private readonly onLoading: SysfsKernelOptions['onLoading'];
  private readonly onWaiting: SysfsKernelOptions['onWaiting'];
  private readonly signal: AbortSignal | undefined;
  private readonly round: Round = { lastPid: 0, turn: 0 };
  private readonly taskHolders: TaskHolders;
  private readonly kernelLog: KernelLog;
  private obstaclesSeen: { readonly atMs: number; readonly found: readonly Obstacle[] } | undefined;

  constructor(options: SysfsKernelOptions = {}) {
    this.roots = options.roots ?? { sys: '/sys', proc: '/proc', run: '/run', dev: '/dev' };
    this.taskHolders = new TaskHolders(this.roots);
    this.kernelLog = new KernelLog(this.roots.dev, () => this.bootId());
    this.loader = new ModuleLoader(this.roots, options.calls ?? createModuleCalls());
    this.writeAttribute = options.writeAttribute ?? writeExisting;
    this.transitionTimeoutMs = options.transitionTimeoutMs ?? defaultTransitionTimeoutMs;
    this.loadLimitMs = options.loadLimitMs ?? loadLimitMs;
    this.onLoading = options.onLoading;
    this.onWaiting = options.onWaiting;
    this.signal = options.signal;
  }

  async identity(): Promise<KernelIdentity> {
    const { sys, proc } = this.roots;
    const [notes, release, bootId, patchedCore] = await Promise.all([
      readFile(path.join(sys, 'kernel/notes')),
      readFile(path.join(proc, 'sys/kernel/osrelease'), 'latin1'),
      this.bootId(),
      this.hasPatchedCore(),
    ]);
    return { kernelBuild: buildIdFromNotes(notes), release: release.trim(), bootId, patchedCore };
  }

  private async bootId(): Promise<string> {
    return (await readFile(path.join(this.roots.proc, 'sys/kernel/random/boot_id'), 'latin1')).trim();
  }

  lastTrouble(): Promise<KernelTrouble | undefined> {
    return this.kernelLog.lastTrouble();
  }

  commandLine(): Promise<string> {
    return readFile(path.join(this.roots.proc, 'cmdline'), 'latin1');
  }

  async uptimeMs(): Promise<number> {
    const [seconds = ''] = (await readFile(path.join(this.roots.proc, 'uptime'), 'latin1')).split(' ');
    return Math.round(Number(seconds) * 1000);
  }

  panicsAtMs(): Promise<readonly number[]> {
    return panicTimes([path.join(this.roots.sys, 'fs/pstore'), '/var/lib/systemd/pstore']);
  }

  observe(): ReturnType<LivepatchKernel['observe']> {
    return observePatches(this.roots);
  }

  /** Looked at again when it is older than `obstaclesLastMs`, or something was loaded since: lists of functions may be long. */
  async obstacles(): Promise<readonly Obstacle[]> {
    if (this.obstaclesSeen === undefined || performance.now() - this.obstaclesSeen.atMs >= obstaclesLastMs) {
      const found = await hostObstacles(this.roots, await this.release(), await this.observe());
      this.obstaclesSeen = { atMs: performance.now(), found };
    }
    return this.obstaclesSeen.found;
  }

  async conflicts(): ReturnType<LivepatchKernel['conflicts']> {
    return (await this.listedConflicts()) ?? [];
  }

  /** The kernel's own list; undefined where it has none, or shows it root alone. */
  listedConflicts(): Promise<readonly KernelConflict[] | undefined> {
    return readKernelConflicts(this.roots);
  }

  async lastTransition(): ReturnType<LivepatchKernel['lastTransition']> {
    const last = await readTransitionStats(this.roots);
    if (last !== undefined && (last.mode !== 'per_task' || last.result !== 'pending' || last.blockers.length > 0)) {
      return last.result === 'pending' ? this.explained(last) : last;
    }
    // Of a transition of the stock kind, on a core that does not name who holds it up, the tasks tell.
    const patches = await this.observe();
    const patch = patches.find(({ transition }) => transition);
    if (patch === undefined) return last;
    const { module, enabled } = patch;
    const functions = new Set(patch.functions.map(({ name }) => name));
    const modules = new Set(patches.map((each) => each.module));
    const blockers = await blockingTasks(this.roots, enabled ? 1 : 0, { functions, modules }, this.round);
    return this.explained({ ...stockTransition(module, enabled, last?.elapsedMs ?? 0), blockers });
  }

  /** With what holds its tasks. */
  private async explained(transition: Transition): Promise<Transition> {
    const patch = (await this.observe()).find(({ module }) => module === transition.module);
    const switched = patch?.functions.map(({ name }) => name) ?? [];
    return { ...transition, blockers: await this.taskHolders.explain(transition.blockers, switched) };
  }

  async kept(): ReturnType<LivepatchKernel['kept']> {
    // What is still switching has its folder; one that has just gone for good may be in the list of before.
    const modules = (await this.livepatchModules()).filter(({ permanent }) => permanent);
    const shown = new Set(modules.length === 0 ? [] : await livepatchesIn(this.roots));
    return modules.filter(({ name }) => !shown.has(name)).map(({ name }) => name);
  }

  /** Every module that is a livepatch, in effect or not, newest first. */
  async livepatchModules(): Promise<readonly LoadedModule[]> {
    return (await loadedModules(this.roots)).filter(({ livepatch }) => livepatch);
  }

  /** The kernel's own numbers for places in the load order, from 1 at the bottom; empty where the core has none. */
  async stackOrders(): Promise<ReadonlyMap<ModuleName, number>> {
    const orders = new Map<ModuleName, number>();
    for (const { module } of await this.observe()) {
      const order = await readStackOrder(path.join(livepatchFolder(this.roots), module));
      if (order !== undefined) orders.set(module, order);
    }
    return orders;
  }

  async load(request: LoadRequest): Promise<void> {
    const { module, mayShadow, replaces } = request;
    const loaded = await observePatches(this.roots);
    refuseConflicts(request, loaded);
    const estimate = await this.estimate(await this.originOf(request));
    await this.loader.clearName(module);
    // One that replaces all others may need a grant, too: for what it drops of theirs.
    const named = new Set([...mayShadow, ...replaces]);
    const victims = loaded.map((patch) => patch.module).filter((name) => named.has(name));
    if (victims.length > 0 && (await this.hasPatchedCore())) await this.grant(module, victims);
    const { consistency, mayInterrupt, transitionTimeoutMs: wished = this.transitionTimeoutMs } = request;
    const goal: Goal = { module, inEffect: true, limitMs: patienceMs(wished, consistency, mayInterrupt) };
    await this.switch(goal, consistency, (parameters) => this.insert(request, parameters, estimate));
    // Not in effect any more whether they can be removed or not.
    for (const replaced of replaces) await this.loader.removeWhenUnused(replaced).catch(() => undefined);
  }

  async unload(module: ModuleName, wished = this.transitionTimeoutMs, mayInterrupt = false): Promise<void> {
    await this.settle(module, wished, mayInterrupt);
    if (await this.isInEffect(module)) {
      // It goes the way that it came.
      const mode = (await readTransitionStats(this.roots, module))?.mode;
      const goal: Goal = { module, inEffect: false, limitMs: patienceMs(wished, mode, mayInterrupt) };
      await this.switch(goal, mode, () => this.disable(module));
    }
    await this.loader.removeWhenUnused(module);
  }

  async settle(module: ModuleName, wished = this.transitionTimeoutMs, mayInterrupt = false): Promise<void> {
    const mode = (await readTransitionStats(this.roots, module))?.mode;
    const limitMs = patienceMs(wished, mode, mayInterrupt);
    // Whatever it switches to, it is taken back if that takes too long: the core makes only one transition at a time.
    await this.arrive({ module, inEffect: await this.readFlag(module, 'enabled'), limitMs }).finally(() =>
      this.recover(),
    );
  }

  recover(): Promise<void> {
    return restoreKernelLimit(this.roots, this.writeAttribute);
  }

  /**
   * Begins a transition and returns when it has come to its goal. `begin` gets parameters for a module that is loaded.
   * @throws TransitionFailure when it was taken back
   */
  private async switch(
    goal: Goal,
    mode: Consistency = 'per_task',
    begin: (parameters: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const settings = { consistency: mode, limitMs: goal.limitMs };
    if ((await consistencyInterface(this.roots)) === 'own') {
      await this.giveSettings(goal, settings);
      await begin(settingsAsParameters(settings));
      await this.arrive(goal);
      return;
    }
    await this.chooseConsistency(goal.module, mode);
    const work = async (): Promise<void> => {
      await begin([]);
      await this.arrive(goal);
    };
    // The kernel sets no limit to a transition of the stock kind.
    await (mode === 'per_task' ? work() : withKernelLimit(this.roots, this.writeAttribute, goal.limitMs, work));
  }

  /** A livepatch that is to go may have come with other limits; one that comes has no files yet. */
  private async giveSettings({ module, inEffect }: Goal, settings: SwitchSettings): Promise<void> {
    if (inEffect) return;
    const folder = path.join(livepatchFolder(this.roots), module);
    await unlessGone(writeOwnSettings(folder, this.writeAttribute, settings));
  }

  private async arrive(goal: Goal): Promise<void> {
    const { module, inEffect, limitMs } = goal;
    const begun = performance.now();
    const watch = new BlockerWatch(module, () => this.lastTransition());
    const hasEnded = await this.transitionEnds(goal, limitMs, watch, this.signal);
    if (hasEnded && (await this.isInEffect(module)) === inEffect) {
      watch.end();
      return;
    }
    // Before it goes back: then nobody is in the way any more.
    const blockers = await watch.within(lastLookMs);
    watch.end();
    const hasGoneBack = hasEnded || (await this.takeBack(goal));
    // Just then it had come to its end.
    if (hasGoneBack && (await this.isInEffect(module)) === inEffect) return;
    if (hasGoneBack && inEffect) await this.loader.removeWhenUnused(module);
    const tookMs = Math.round(performance.now() - begun);
    const transition = await this.explained(await this.failedTransition(goal, tookMs, blockers, hasGoneBack));
    const hasRunOut = !hasEnded || transition.elapsedMs >= limitMs;
    const gaveUp: TransitionFailureReason = hasRunOut ? 'transition-timeout' : 'transition-failed';
    const isInterrupted = !hasEnded && this.signal?.aborted === true;
    const reason = isInterrupted ? 'interrupted' : gaveUp;
    throw new TransitionFailure({ reason, transition, reversed: hasGoneBack, limitMs });
  }

  /** Whether the kernel has gone back to what it ran before, within a time. */
  private async takeBack({ module, inEffect, limitMs }: Goal): Promise<boolean> {
    await this.writeEnabled(module, !inEffect).catch((error: unknown) => {
      // The kernel was faster: it has given up by itself, or has just arrived.
      if (errorCode(error) !== 'EINVAL') throw error;
    });
    const back = { module, inEffect: !inEffect, limitMs: Math.min(limitMs, reversalTimeoutMs) };
    const watch = new BlockerWatch(module, () => this.lastTransition());
    return this.transitionEnds(back, back.limitMs, watch).finally(() => {
      watch.end();
    });
  }

  private async failedTransition(
    { module, inEffect }: Goal,
    elapsedMs: number,
    blockers: readonly Blocker[],
    hasGoneBack: boolean,
  ): Promise<Transition> {
    const last = await readTransitionStats(this.roots);
    if (last?.module === module) return { ...last, blockers: last.blockers.length === 0 ? blockers : last.blockers };
    const result = hasGoneBack ? 'reversed' : 'pending';
    return { ...stockTransition(module, inEffect, elapsedMs), result, blockers };
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

  private hasPatchedCore(): Promise<boolean> {
    return access(path.join(livepatchFolder(this.roots), 'override')).then(
      () => true,
      () => false,
    );
  }

  /**
   * One shot: the next load of `module` may shadow the victims.
   * @throws LockstepError `unavailable` `grants-waiting`
   */
  private async grant(module: ModuleName, victims: readonly ModuleName[]): Promise<void> {
    const file = path.join(livepatchFolder(this.roots), 'override');
    await this.writeAttribute(file, `${module} ${victims.join(',')}\n`).catch((error: unknown) => {
      // Of no disk: the kernel keeps but a few.
      if (errorCode(error) !== 'ENOSPC') throw error;
      const message =
        `The kernel takes no permission for ${module} to shadow ${victims.join(', ')}: too many wait that no load has used up ` +
        `(${file}). Each goes with the next load of the module that it names, and all with the next boot.`;
      throw new LockstepError('unavailable', 'grants-waiting', message, { module }, { cause: error });
    });
  }

  private patchFile(module: ModuleName, name: string): string {
    return path.join(livepatchFolder(this.roots), module, name);
  }

  private async readFlag(module: ModuleName, name: 'enabled' | 'transition'): Promise<boolean> {
    return (await unlessGone(readFile(this.patchFile(module, name), 'latin1')))?.trim() === '1';
  }

  /** @throws LockstepError `unavailable` `transition-busy` */
  private async disable(module: ModuleName): Promise<void> {
    await this.writeEnabled(module, false).catch(async (error: unknown) => {
      if (errorCode(error) !== 'EBUSY') throw error;
      const switching = (await this.observe()).find((patch) => patch.transition && patch.module !== module);
      const message =
        `${module} cannot be disabled while ${switching?.module ?? 'another livepatch'} is in transition: the kernel ` +
        'switches one at a time. Wait until that has ended.';
      throw new LockstepError('unavailable', 'transition-busy', message, { module }, { cause: error });
    });
  }

  private async writeEnabled(module: ModuleName, enabled: boolean): Promise<void> {
    await unlessGone(this.writeAttribute(this.patchFile(module, 'enabled'), enabled ? '1' : '0'));
  }

  private async isInEffect(module: ModuleName): Promise<boolean> {
    return (await observePatches(this.roots)).some((patch) => patch.module === module);
  }

  private async insert(request: LoadRequest, parameters: readonly string[], estimate: LoadEstimate): Promise<void> {
    this.onLoading?.(estimate);
    this.obstaclesSeen = undefined;
    await this.loader.insert(request, parameters, this.loadLimitMs(estimate.expectedMs), await this.release());
  }

  /** @throws LockstepError `refused` `wrong-kernel`; undefined for a file that cannot be read, of which the kernel says more */
  private async originOf({ path: file, module, functions }: LoadRequest): Promise<ModuleOrigin | undefined> {
    const bytes = await readFile(file).catch(() => undefined);
    if (bytes === undefined) return undefined;
    const inKernel = functions.filter(({ object }) => object === 'vmlinux').length;
    let origin: ModuleOrigin;
    try {
      origin = readModuleOrigin(bytes, file, inKernel);
    } catch {
      return undefined;
    }
    refuseOtherKernel(module, origin, await this.identity());
    return origin;
  }

  /** How long the kernel will be at a module, in so far as that can be told beforehand. */
  async estimate(origin: Pick<ModuleOrigin, 'lookups'> | undefined): Promise<LoadEstimate> {
    const lookups = origin?.lookups ?? 0;
    const walks = walksOfSymbols(await this.release(), lookups, await this.hasPatchedCore());
    return estimateLoad(this.roots, lookups, walks);
  }

  private async release(): Promise<string> {
    return (await readIfTold(path.join(this.roots.proc, 'sys/kernel/osrelease')))?.trim() ?? '';
  }

  /** Whether it did within the time and before `signal`. */
  private async transitionEnds(
    goal: Goal,
    limitMs: number,
    watch: BlockerWatch,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const begun = performance.now();
    let told = begun;
    while (await this.readFlag(goal.module, 'transition')) {
      const now = performance.now();
      if (signal?.aborted === true || now - begun >= limitMs) return false;
      if (now - told >= tellMs) {
        told = now;
        this.tell(goal, Math.round(now - begun), watch);
      }
      await sleep(pollMs);
    }
    return true;
  }

  private tell({ module, inEffect: enabling }: Goal, elapsedMs: number, watch: BlockerWatch): void {
    watch.begin((blockers) => {
      this.onWaiting?.({ module, enabling, elapsedMs, blocking: blockers.map(showBlocker) });
    });
  }
}
