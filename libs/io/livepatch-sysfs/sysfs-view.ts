// SPDX-License-Identifier: GPL-2.0-only
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, type ModuleName, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import type { ObservedPatch } from '@lockstep/domain/node-state';
import { errorCode } from '@lockstep/platform/runtime';

/** Where sysfs and procfs are mounted; tests put trees of their own there. */
export interface KernelRoots {
  readonly sys: string;
  readonly proc: string;
  /** Holds what must not outlive the boot. */
  readonly run: string;
  /** Devices, the kernel's log among them; none: it is not read. */
  readonly dev?: string;
}

export const livepatchFolder = (roots: KernelRoots): string => path.join(roots.sys, 'kernel/livepatch');

/** What of the patched core is no single value, and for root alone: lists, one file each. */
export const debugFolder = (roots: KernelRoots): string => path.join(roots.sys, 'kernel/debug/livepatch');

/** A module as /proc/modules shows it (fs/proc, kernel/module: m_show). */
export interface LoadedModule {
  readonly name: ModuleName;
  /** The kernel is still at it: its init, which switches to a livepatch, has not returned. */
  readonly loading: boolean;
  /** Tainted `K`: a livepatch, in effect or not. */
  readonly livepatch: boolean;
  /** It has no exit, or the kernel removes none: it keeps it until the next boot, in effect or not. */
  readonly permanent: boolean;
}

/** Newest first, as the kernel lists them. */
export function parseModules(text: string): LoadedModule[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const name = line.slice(0, line.indexOf(' ')) as ModuleName;
      const taints = /\(([A-Z+-]*)\)$/.exec(line)?.[1] ?? '';
      const loading = line.includes(' Loading ');
      // A kernel without CONFIG_MODULE_UNLOAD counts no users, and keeps them all.
      const [, , users] = line.split(' ');
      const permanent = line.includes('[permanent],') || users === '-';
      return { name, loading, livepatch: taints.includes('K'), permanent };
    });
}

export async function loadedModules(roots: KernelRoots): Promise<LoadedModule[]> {
  return parseModules(await readFile(path.join(roots.proc, 'modules'), 'latin1'));
}

const isGone = (error: unknown): boolean => ['ENOENT', 'ENODEV'].includes(errorCode(error) ?? '');

/** What `read` gives, or undefined when its file went away with its livepatch. */
export async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** What a file tells: undefined where there is none, or a rule of the machine (root alone, a lockdown) keeps it back. */
export async function readIfTold(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'latin1');
  } catch (error) {
    if (isGone(error) || ['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  }
}

const foldersIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map((entry) => entry.name);

/** `meminfo_proc_show,1` → name and sympos. */
function parseFunction(object: string, entry: string): PatchedFunction[] {
  const [, name, sympos] = /^(.+),(\d+)$/.exec(entry) ?? [];
  return name === undefined ? [] : [{ object, name, sympos: Number(sympos) }];
}

async function readFunctions(folder: string): Promise<PatchedFunction[]> {
  const objects = await foldersIn(folder);
  const functions = await Promise.all(
    objects.map(async (object) =>
      (await foldersIn(path.join(folder, object))).flatMap((entry) => parseFunction(object, entry)),
    ),
  );
  return functions.flat();
}

const readFlag = async (folder: string, name: string): Promise<boolean> =>
  (await readFile(path.join(folder, name), 'latin1')).trim() === '1';

/** Undefined where the core does not tell it, or tells it root alone. */
export async function readStackOrder(patchFolder: string): Promise<number | undefined> {
  const order = await readIfTold(path.join(patchFolder, 'stack_order'));
  return order === undefined ? undefined : Number(order);
}

interface SeenPatch {
  readonly patch: ObservedPatch;
  /** Place from the bottom, where the core tells it (since 6.14, and in the patched core). */
  readonly stackOrder: number | undefined;
}

async function readPatch(roots: KernelRoots, module: ModuleName): Promise<SeenPatch> {
  const folder = path.join(livepatchFolder(roots), module);
  // Flags before functions: a patch that has just been enabled has all its functions.
  const transition = await readFlag(folder, 'transition');
  const enabled = await readFlag(folder, 'enabled');
  const stackOrder = await readStackOrder(folder);
  const functions = await readFunctions(folder);
  return { patch: { module, enabled, transition, functions }, stackOrder };
}

function inOrder(seen: readonly SeenPatch[], newestFirst: readonly LoadedModule[]): ObservedPatch[] {
  const age = new Map(newestFirst.map(({ name }, i) => [name, newestFirst.length - i]));
  const place = ({ patch, stackOrder }: SeenPatch): number => stackOrder ?? age.get(patch.module) ?? 0;
  return [...seen].sort((a, b) => place(a) - place(b)).map(({ patch }) => patch);
}

/** In effect, switching, or about to go; in no order. */
export const livepatchesIn = async (roots: KernelRoots): Promise<ModuleName[]> =>
  (await foldersIn(livepatchFolder(roots))) as ModuleName[];

async function observeOnce(roots: KernelRoots): Promise<ObservedPatch[] | undefined> {
  const names = await livepatchesIn(roots);
  const seen = await unlessGone(Promise.all(names.map((name) => readPatch(roots, name))));
  if (seen === undefined) return undefined;
  // Both flags off: not yet enabled, or disabled and about to go.
  const active = seen.filter(({ patch }) => patch.enabled || patch.transition);
  return inOrder(active, await loadedModules(roots));
}

/** A livepatch that goes while it is read makes the whole reading void; this often in a row it does not happen. */
const readings = 5;

/**
 * Enabled or switching livepatches, bottom first: by `stack_order`, or else by age of the modules, which is the same
 * because a livepatch is enabled while its module is inserted and cannot be enabled again.
 * @throws LockstepError `refused` `no-livepatch` on a kernel without livepatching.
 */
export async function observePatches(roots: KernelRoots): Promise<ObservedPatch[]> {
  if ((await unlessGone(readdir(livepatchFolder(roots)))) === undefined) {
    throw new LockstepError(
      'refused',
      'no-livepatch',
      `This kernel has no ${livepatchFolder(roots)}: it needs CONFIG_LIVEPATCH, and sysfs must be mounted.`,
    );
  }
  for (let reading = 1; reading <= readings; reading += 1) {
    const patches = await observeOnce(roots);
    if (patches !== undefined) return patches;
  }
  throw new LockstepError('unavailable', 'busy-sysfs', 'Livepatches come and go too fast to be listed; try again.');
}
