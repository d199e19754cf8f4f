// SPDX-License-Identifier: GPL-2.0-only
import { conflictsWith } from '@lockstep/domain/conflicts';
import type { ModuleOrigin } from '@lockstep/domain/klp-module';
import {
  LockstepError,
  showFunction,
  type KernelBuildId,
  type KernelTrouble,
  type ModuleName,
  type Obstacle,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import type { Consistency } from '@lockstep/domain/load-order';
import type { KernelConflict, ObservedPatch, Transition } from '@lockstep/domain/node-state';

export interface KernelIdentity {
  readonly kernelBuild: KernelBuildId;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** New with every boot. */
  readonly bootId: string;
  /** The livepatch core refuses conflicts by itself and takes grants (/sys/kernel/livepatch/override). */
  readonly patchedCore: boolean;
}

export interface LoadRequest {
  /** The module file. */
  readonly path: string;
  readonly module: ModuleName;
  readonly functions: readonly PatchedFunction[];
  readonly replace: boolean;
  /** Loaded modules it may shadow, or drop functions of; a conflict with any other is refused before insmod. */
  readonly mayShadow: readonly ModuleName[];
  /** Modules that a `replace` load makes inactive, removed afterwards. */
  readonly replaces: readonly ModuleName[];
  /** How the kernel is to switch to it; undefined: its own way, per task. */
  readonly consistency?: Consistency | undefined;
  /** After how long the transition is taken back; undefined: the kernel port's own. */
  readonly transitionTimeoutMs?: number | undefined;
  /** Let the kernel interrupt sleeping tasks rather than take a transition task by task back before it does. */
  readonly mayInterrupt?: boolean | undefined;
}

/** One running kernel's livepatches. Calls are made one after another. */
export interface LivepatchKernel {
  identity(): Promise<KernelIdentity>;
  /** What it was booted with (/proc/cmdline). */
  commandLine(): Promise<string>;
  /** Since it booted; sleep counts, and nobody can set it. */
  uptimeMs(): Promise<number>;
  /** When kernels before it wrote the records of panics that they left on this machine, in ms since 1970. */
  panicsAtMs(): Promise<readonly number[]>;
  /** Enabled or switching livepatches, bottom first. */
  observe(): Promise<readonly ObservedPatch[]>;
  /** What on this host would be in the way of a load, as far as it can be seen beforehand. */
  obstacles(): Promise<readonly Obstacle[]>;
  /** The last that it has complained about in its own log since it booted. */
  lastTrouble(): Promise<KernelTrouble | undefined>;
  /** The functions that the kernel itself says several livepatches change; none on a stock core. */
  conflicts(): Promise<readonly KernelConflict[]>;
  /** Modules that were livepatches and are disabled, and have no exit: the kernel has them until it boots. */
  kept(): Promise<readonly ModuleName[]>;
  /** How the kernel switched a livepatch last; undefined where the core has no modes, or has switched none. */
  lastTransition(): Promise<Transition | undefined>;
  /** Returns when every task runs the new code. @throws LockstepError; then the kernel runs what it ran before. */
  load(request: LoadRequest): Promise<void>;
  /**
   * Disables, waits until no task runs its code, removes the module, or leaves it to the kernel where it has no exit.
   * Repeating it does no harm.
   * @throws TransitionFailure when tasks are in its way for `limitMs`: then it stays in effect.
   */
  unload(module: ModuleName, limitMs?: number, mayInterrupt?: boolean): Promise<void>;
  /** Waits until the module's transition has ended. @throws TransitionFailure when it does not within `limitMs`: it is taken back. */
  settle(module: ModuleName, limitMs?: number, mayInterrupt?: boolean): Promise<void>;
  /** Puts back what a process that was killed had set for one transition alone, unless that still goes on. */
  recover(): Promise<void>;
}

/**
 * With MODVERSIONS a kernel takes modules of other releases of its series: only the build-id says for which they were made.
 * @throws LockstepError `refused` `wrong-kernel`
 */
export function refuseOtherKernel(
  module: string,
  { kernelBuild, release }: Pick<ModuleOrigin, 'kernelBuild' | 'release'>,
  running: Pick<KernelIdentity, 'kernelBuild' | 'release'>,
): void {
  const isOther = kernelBuild !== null && kernelBuild !== running.kernelBuild;
  if (!isOther && (release === null || release === running.release)) return;
  const build = (id: KernelBuildId | null): string => (id === null ? '' : ` (build-id ${id})`);
  const builtFor = `${release ?? 'another kernel'}${build(kernelBuild)}`;
  const message =
    `${module} was built for kernel ${builtFor}; this host runs ${running.release}${build(running.kernelBuild)}. ` +
    'Build it for the kernel that runs.';
  throw new LockstepError('refused', 'wrong-kernel', message, { module, builtFor, running: running.release });
}

/**
 * Refuses what would shadow a patch that the log does not name, in either direction of a load order.
 * @throws LockstepError `refused` `conflict`, naming functions and owners.
 */
export function refuseConflicts(
  { module, functions, replace, mayShadow }: Omit<LoadRequest, 'path'>,
  loaded: readonly ObservedPatch[],
): void {
  // A replace patch takes every other one's place: it shadows nothing.
  if (replace) return;
  const owners = loaded.map((patch) => ({ id: patch.module, functions: patch.functions }));
  const unnamed = conflictsWith(functions, owners).filter((conflict) => !mayShadow.includes(conflict.owner));
  if (unnamed.length === 0) return;
  const list = unnamed.map((conflict) => `${showFunction(conflict.function)} is owned by ${conflict.owner}`).join('; ');
  throw new LockstepError('refused', 'conflict', `Loading ${module} would shadow another livepatch: ${list}.`, {
    module,
    functions: unnamed.map((conflict) => showFunction(conflict.function)),
    owners: unnamed.map((conflict) => conflict.owner),
  });
}
