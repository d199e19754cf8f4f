// SPDX-License-Identifier: GPL-2.0-only
import { link, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isElf, parseElf } from '@lockstep/domain/elf';
import { sharedFunctions } from '@lockstep/domain/conflicts';
import {
  isFatalTo,
  describeObstacle,
  LockstepError,
  type KernelBuildId,
  type KernelTrouble,
  type ModuleName,
  type Obstacle,
} from '@lockstep/domain/livepatch-model';
import { defaultTransitionTimeoutMs } from '@lockstep/domain/load-order';
import type { Blocker, KernelConflict, ObservedPatch, Transition } from '@lockstep/domain/node-state';
import {
  refuseConflicts,
  stockTransition,
  TransitionFailure,
  type KernelIdentity,
  type LivepatchKernel,
  type LoadRequest,
} from '@lockstep/io/livepatch-sysfs';
import { errorCode } from '@lockstep/platform/runtime';

/** How this machine behaves; a test may rewrite it at any time. */
export interface DirectoryKernelSettings extends KernelIdentity {
  /** Time between insmod and the end of the transition. */
  readonly transitionMs: number;
  /** Modules whose load fails, as a broken module would. */
  readonly refuseLoads: readonly string[];
  /** Tasks that sleep in functions of a module: while they are here, one that is loaded then does not come into effect. */
  readonly sleepers: Readonly<Record<string, readonly Blocker[]>>;
  /** What is in the way of loads; what makes a kernel refuse them does so here. */
  readonly obstacles: readonly Obstacle[];
  /** What it has complained about last. */
  readonly trouble?: KernelTrouble | undefined;
  readonly commandLine: string;
  readonly bootedAtMs: number;
  readonly panicsAtMs: readonly number[];
}

interface LoadedFile extends Omit<ObservedPatch, 'transition'> {
  /** When its transition ends, in ms since the epoch: it goes on when the process that loaded it is killed. */
  readonly switchedAtMs: number;
  /** Once switched, what is below it is no longer in effect. */
  readonly replace: boolean;
  /** It was loaded while tasks slept in its functions: its transition goes on until they have left. */
  readonly waits: boolean;
  /** It has no exit. */
  readonly permanent: boolean;
}

const settingsFile = 'kernel.json';
const numberWidth = 6;

async function writeAtomically(file: string, content: unknown): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(content));
  await rename(draft, file);
}

/** As the kernel sees it: `__this_module` points at init alone. What is no module at all stands for one that can go. */
function hasNoExit(bytes: Uint8Array): boolean {
  if (!isElf(bytes)) return false;
  const elf = parseElf(bytes, 'a module');
  const section = elf.sections.find(({ name }) => name === '.gnu.linkonce.this_module');
  return section !== undefined && elf.relocationsOf(section)?.count === 1;
}

/**
 * A kernel's livepatches as files, for fleets of agent processes on one machine: it outlives any process, refuses
 * conflicts as the patched core does, and can hold livepatches that somebody else loaded.
 *
 * `kernel.json` says what the kernel is; `<boot id>/<number>.json` is one livepatch, so that loads of several
 * processes never overwrite each other; a new boot id makes an empty kernel.
 */
export class DirectoryKernel implements LivepatchKernel {
  /** How often a load was asked for, of this object. */
  loadsTried = 0;

  constructor(private readonly folder: string) {}

  /** Makes the folder a freshly booted machine. */
  static async create(
    folder: string,
    identity: { readonly kernelBuild: KernelBuildId; readonly release: string },
    settings: Partial<Omit<DirectoryKernelSettings, keyof KernelIdentity>> & { readonly patchedCore?: boolean } = {},
  ): Promise<DirectoryKernel> {
    await mkdir(folder, { recursive: true });
    const defaults = {
      ...{ patchedCore: true, transitionMs: 0, refuseLoads: [], sleepers: {}, obstacles: [] },
      ...{ commandLine: '', panicsAtMs: [], bootedAtMs: Date.now() },
    };
    await writeAtomically(path.join(folder, settingsFile), {
      ...defaults,
      ...settings,
      ...identity,
      bootId: randomUUID(),
    });
    return new DirectoryKernel(folder);
  }

  async settings(): Promise<DirectoryKernelSettings> {
    return JSON.parse(await readFile(path.join(this.folder, settingsFile), 'utf8')) as DirectoryKernelSettings;
  }

  async change(settings: Partial<DirectoryKernelSettings>): Promise<void> {
    await writeAtomically(path.join(this.folder, settingsFile), { ...(await this.settings()), ...settings });
  }

  /** Power off and on: what was loaded is gone. End the agent's process before. */
  async reboot(): Promise<void> {
    await this.change({ bootId: randomUUID(), bootedAtMs: Date.now() });
  }

  async identity(): Promise<KernelIdentity> {
    const { kernelBuild, release, bootId, patchedCore } = await this.settings();
    return { kernelBuild, release, bootId, patchedCore };
  }

  async commandLine(): Promise<string> {
    return (await this.settings()).commandLine;
  }

  async uptimeMs(): Promise<number> {
    return Date.now() - (await this.settings()).bootedAtMs;
  }

  async panicsAtMs(): Promise<readonly number[]> {
    return (await this.settings()).panicsAtMs;
  }

  async observe(): Promise<readonly ObservedPatch[]> {
    const now = Date.now();
    const { sleepers } = await this.settings();
    const loaded = (await this.loaded()).map(({ patch }) => patch);
    const isSwitching = ({ module, switchedAtMs, waits }: LoadedFile): boolean =>
      now < switchedAtMs || (waits && sleepers[module] !== undefined);
    const bottom = loaded.findLastIndex((patch) => patch.replace && !isSwitching(patch));
    return loaded.slice(Math.max(0, bottom)).map((patch) => {
      const { module, enabled, functions } = patch;
      return { module, enabled, functions, transition: isSwitching(patch) };
    });
  }

  /** It has no modes, and tells of no transition but one that waits for sleepers. */
  async lastTransition(): Promise<Transition | undefined> {
    const { sleepers } = await this.settings();
    const patch = (await this.observe()).find(({ transition }) => transition);
    const blockers = patch === undefined ? undefined : sleepers[patch.module];
    if (patch === undefined || blockers === undefined) return undefined;
    return { ...stockTransition(patch.module, true, 0), blockers };
  }

  async kept(): Promise<readonly ModuleName[]> {
    const files = await readdir(await this.bootFolder());
    return files.flatMap((name) => (name.endsWith('.kept') ? [name.replace(/\.kept$/, '') as ModuleName] : []));
  }

  async lastTrouble(): Promise<KernelTrouble | undefined> {
    return (await this.settings()).trouble;
  }

  async obstacles(): Promise<readonly Obstacle[]> {
    return (await this.settings()).obstacles;
  }

  async conflicts(): Promise<readonly KernelConflict[]> {
    if (!(await this.settings()).patchedCore) return [];
    const stack = (await this.observe()).map(({ module, functions }) => ({ id: module, functions }));
    return sharedFunctions(stack).map((shared) => ({
      function: shared.function,
      owners: shared.owners.map((module) => ({ module })),
    }));
  }

  async load(request: LoadRequest): Promise<void> {
    this.loadsTried += 1;
    const { module, functions, replace } = request;
    const { refuseLoads, transitionMs, sleepers, obstacles } = await this.settings();
    // The module itself must be there, as insmod would insist.
    const permanent = hasNoExit(await readFile(request.path));
    if (refuseLoads.includes(module)) {
      throw new LockstepError('refused', 'insmod-failed', `The kernel did not take ${module}: it was told so.`, {
        module,
      });
    }
    if ((await this.kept()).includes(module)) {
      throw new LockstepError('refused', 'module-kept', `Module ${module} is kept until the next boot.`, { module });
    }
    const fatal = obstacles.find((each) => isFatalTo(each, functions));
    if (fatal !== undefined) throw new LockstepError('refused', fatal.kind, describeObstacle(fatal), { module });
    const before = await this.observe();
    if (before.some((patch) => patch.module === module)) {
      throw new LockstepError('refused', 'module-exists', `A module named ${module} is loaded already.`, { module });
    }
    if (before.some((patch) => patch.transition)) {
      throw new LockstepError('unavailable', 'transition-busy', 'Another livepatch is in transition.', { module });
    }
    refuseConflicts(request, before);
    // What an earlier replace patch put out of effect may come again.
    await this.remove(module);
    const switchedAtMs = Date.now() + transitionMs;
    const waits = sleepers[module] !== undefined;
    await this.insert({ module, enabled: true, functions, replace, switchedAtMs, waits, permanent });
    await this.settle(module, request.transitionTimeoutMs);
  }

  async unload(module: ModuleName, limitMs?: number): Promise<void> {
    await this.settle(module, limitMs);
    await this.remove(module);
  }

  /** Nothing of it is set for all livepatches. */
  recover(): Promise<void> {
    return Promise.resolve();
  }

  async settle(module: ModuleName, limitMs = defaultTransitionTimeoutMs): Promise<void> {
    const begun = Date.now();
    while ((await this.observe()).some((patch) => patch.module === module && patch.transition)) {
      const pending = Date.now() - begun < limitMs ? undefined : await this.lastTransition();
      if (pending !== undefined) {
        await this.remove(module);
        const transition: Transition = { ...pending, result: 'reversed', elapsedMs: Date.now() - begun };
        throw new TransitionFailure({ reason: 'transition-timeout', transition, reversed: true, limitMs });
      }
      await sleep(10);
    }
  }

  /** A foreign hand: no check, no order but the next place on top. */
  async loadByHand(patch: Pick<ObservedPatch, 'module' | 'functions'>): Promise<void> {
    await this.insert({ ...patch, enabled: true, replace: false, switchedAtMs: 0, waits: false, permanent: false });
  }

  private async bootFolder(): Promise<string> {
    const folder = path.join(this.folder, (await this.settings()).bootId);
    await mkdir(folder, { recursive: true });
    return folder;
  }

  /** Bottom first. */
  private async loaded(): Promise<{ file: string; patch: LoadedFile }[]> {
    const folder = await this.bootFolder();
    const files = (await readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).sort();
    const patches = await Promise.all(
      files.map(async (name) => {
        const file = path.join(folder, name);
        const text = await readFile(file, 'utf8').catch(() => undefined);
        return text === undefined ? [] : [{ file, patch: JSON.parse(text) as LoadedFile }];
      }),
    );
    return patches.flat();
  }

  private async insert(patch: LoadedFile): Promise<void> {
    const folder = await this.bootFolder();
    const draft = path.join(folder, `draft-${randomUUID()}`);
    await writeFile(draft, JSON.stringify(patch));
    try {
      while (!(await this.linkOnTop(folder, draft)));
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** False when another process took the number first. */
  private async linkOnTop(folder: string, draft: string): Promise<boolean> {
    const numbers = (await readdir(folder)).map((name) => Number.parseInt(name, 10)).filter(Number.isInteger);
    const next = String(Math.max(0, ...numbers) + 1).padStart(numberWidth, '0');
    return link(draft, path.join(folder, `${next}.json`)).then(
      () => true,
      (error: unknown) => {
        if (errorCode(error) === 'EEXIST') return false;
        throw error;
      },
    );
  }

  private async remove(module: ModuleName): Promise<void> {
    for (const { file, patch } of await this.loaded()) {
      if (patch.module !== module) continue;
      if (patch.permanent) await writeAtomically(path.join(path.dirname(file), `${module}.kept`), null);
      await rm(file, { force: true });
    }
  }
}
