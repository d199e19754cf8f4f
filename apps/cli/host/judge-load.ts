// SPDX-License-Identifier: GPL-2.0-only
import { conflictsWith } from '@lockstep/domain/conflicts';
import type { LivepatchFile } from '@lockstep/domain/klp-module';
import {
  functionKey,
  LockstepError,
  showFunction,
  type FunctionKey,
  type ModuleName,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import type { ObservedPatch } from '@lockstep/domain/node-state';

export interface TornByLoad {
  readonly module: ModuleName;
  readonly loses: readonly PatchedFunction[];
  readonly stillRuns: readonly PatchedFunction[];
}

/** What loading a module on top of a kernel's livepatches would do to them. */
export interface LoadVerdict {
  /** Each function that others change already, those from top to bottom. */
  readonly conflicts: readonly { readonly function: PatchedFunction; readonly owners: readonly ModuleName[] }[];
  /** All owners of these, in load order: a load must name every one. */
  readonly victims: readonly ModuleName[];
  /** Livepatches of whose running functions it takes some away and leaves others. */
  readonly torn: readonly TornByLoad[];
  /** Livepatches of which it takes away all that runs. */
  readonly covered: readonly ModuleName[];
  /** For a module that replaces all others: those, with the functions that go back to the original code. */
  readonly replaced: readonly { readonly module: ModuleName; readonly dropped: readonly PatchedFunction[] }[];
}

type Newcomer = Pick<LivepatchFile, 'functions'> & { readonly replace: boolean };

/** @param stack the kernel's livepatches, bottom first */
export function judgeLoad(newcomer: Newcomer, stack: readonly ObservedPatch[]): LoadVerdict {
  const { functions, replace } = newcomer;
  if (replace) {
    const kept = new Set(functions.map(functionKey));
    const replaced = stack.map((patch) => ({
      module: patch.module,
      dropped: patch.functions.filter((fn) => !kept.has(functionKey(fn))),
    }));
    return { conflicts: [], victims: [], torn: [], covered: [], replaced };
  }
  const found = conflictsWith(
    functions,
    stack.map((patch) => ({ id: patch.module, functions: patch.functions })),
  );
  const conflicts = new Map<FunctionKey, { readonly function: PatchedFunction; readonly owners: ModuleName[] }>();
  for (const { function: fn, owner } of found) {
    const shared = conflicts.get(functionKey(fn)) ?? { function: fn, owners: [] };
    shared.owners.push(owner);
    conflicts.set(functionKey(fn), shared);
  }
  const victims = stack.map((patch) => patch.module).filter((name) => found.some(({ owner }) => owner === name));
  const losers = losersOf(functions, stack);
  return {
    conflicts: [...conflicts.values()],
    victims,
    torn: losers.filter(({ stillRuns }) => stillRuns.length > 0),
    covered: losers.filter(({ stillRuns }) => stillRuns.length === 0).map((loser) => loser.module),
    replaced: [],
  };
}

/** The livepatches some of whose functions run now and would not if `functions` were on top. */
function losersOf(functions: readonly PatchedFunction[], stack: readonly ObservedPatch[]): TornByLoad[] {
  const taken = new Set(functions.map(functionKey));
  const owners = topOwners(stack);
  return stack.flatMap((patch) => {
    const running = patch.functions.filter((fn) => owners.get(functionKey(fn)) === patch.module);
    const loses = running.filter((fn) => taken.has(functionKey(fn)));
    const stillRuns = running.filter((fn) => !taken.has(functionKey(fn)));
    return loses.length === 0 ? [] : [{ module: patch.module, loses, stillRuns }];
  });
}

/** Whose code runs for each function. @param stack bottom first */
export const topOwners = (stack: readonly ObservedPatch[]): Map<FunctionKey, ModuleName> =>
  new Map(stack.flatMap(({ module, functions }) => functions.map((fn) => [functionKey(fn), module] as const)));

/** @throws LockstepError `refused` `module-exists`: a name is loaded once at a time. */
export function refuseLoaded(module: ModuleName, stack: readonly ObservedPatch[]): void {
  if (!stack.some((patch) => patch.module === module)) return;
  const message = `${module} is loaded already: unload it first (lockstep host unload ${module}).`;
  throw new LockstepError('refused', 'module-exists', message, { module });
}

/** @throws LockstepError `refused` `transition-busy`: the kernel switches one livepatch at a time. */
export function refuseBusy(stack: readonly ObservedPatch[], except?: ModuleName): void {
  const busy = stack.find((patch) => patch.transition && patch.module !== except);
  if (busy === undefined) return;
  const message = `${busy.module} is in transition: wait until it has ended (lockstep host ls), or unload it.`;
  throw new LockstepError('refused', 'transition-busy', message, { module: busy.module });
}

/** @throws LockstepError `refused` `conflict` unless `overrides` names every victim. */
export function refuseUnnamed(module: ModuleName, verdict: LoadVerdict, overrides: readonly ModuleName[]): void {
  const missing = verdict.victims.filter((victim) => !overrides.includes(victim));
  if (missing.length === 0) return;
  const list = verdict.conflicts.map((shared) => `${showFunction(shared.function)} of ${shared.owners.join(', ')}`);
  const flags = missing.map((victim) => `--override ${victim}`).join(' ');
  const message = `${module} would shadow ${list.join('; ')}. If that is meant, name whom it may shadow: ${flags}`;
  throw new LockstepError('refused', 'conflict', message, {
    module,
    functions: verdict.conflicts.map((shared) => showFunction(shared.function)),
    missing,
  });
}
