// SPDX-License-Identifier: GPL-2.0-only
import { functionKey, type FunctionKey, type PatchedFunction } from '@lockstep/domain/livepatch-model';

/** What owns functions: a log entry, a module in a kernel, a patch about to be loaded. */
export interface FunctionOwner<Id> {
  readonly id: Id;
  readonly functions: readonly PatchedFunction[];
}

/** `newcomer` would change a function that `owner` changes already. */
export interface Conflict<Id> {
  readonly function: PatchedFunction;
  /** Whose code runs for this function now: the topmost owner. */
  readonly owner: Id;
}

/** A function that more than one patch owns, with its owners from top (its code runs) to bottom. */
export interface SharedFunction<Id> {
  readonly function: PatchedFunction;
  readonly owners: readonly [Id, Id, ...Id[]];
}

/** A patch some of whose functions are shadowed while others still run. */
export interface TornPatch<Id> {
  readonly id: Id;
  readonly running: readonly PatchedFunction[];
  readonly shadowed: readonly { readonly function: PatchedFunction; readonly by: Id }[];
}

interface OwnedFunction<Id> {
  readonly function: PatchedFunction;
  readonly owners: Id[];
}

/** Every function owned in `stack` (bottom first) with its owners, top first. Linear in functions. */
function ownersOf<Id>(stack: readonly FunctionOwner<Id>[]): Map<FunctionKey, OwnedFunction<Id>> {
  const owned = new Map<FunctionKey, OwnedFunction<Id>>();
  for (const patch of [...stack].reverse()) {
    for (const fn of patch.functions) {
      const key = functionKey(fn);
      const entry = owned.get(key);
      if (entry === undefined) owned.set(key, { function: fn, owners: [patch.id] });
      else if (!entry.owners.includes(patch.id)) entry.owners.push(patch.id);
    }
  }
  return owned;
}

/** The conflicts of loading `functions` over `stack` (bottom first): one for each function and owner, topmost first. */
export function conflictsWith<Id>(
  functions: readonly PatchedFunction[],
  stack: readonly FunctionOwner<Id>[],
): Conflict<Id>[] {
  const owned = ownersOf(stack);
  const distinct = new Map(functions.map((fn) => [functionKey(fn), fn]));
  return [...distinct].flatMap(([key, fn]) => (owned.get(key)?.owners ?? []).map((owner) => ({ function: fn, owner })));
}

/** Functions owned by two patches or more. */
export function sharedFunctions<Id>(stack: readonly FunctionOwner<Id>[]): SharedFunction<Id>[] {
  return [...ownersOf(stack).values()].flatMap(({ function: fn, owners }) => {
    const [top, next, ...rest] = owners;
    return top === undefined || next === undefined ? [] : [{ function: fn, owners: [top, next, ...rest] as const }];
  });
}

/** Patches of `stack` (bottom first) that run in part: neither whole nor wholly shadowed. */
export function tornPatches<Id>(stack: readonly FunctionOwner<Id>[]): TornPatch<Id>[] {
  const owned = ownersOf(stack);
  return stack.flatMap(({ id, functions }) => {
    const running: PatchedFunction[] = [];
    const shadowed: { function: PatchedFunction; by: Id }[] = [];
    for (const fn of functions) {
      const top = owned.get(functionKey(fn))?.owners[0];
      if (top === undefined || top === id) running.push(fn);
      else shadowed.push({ function: fn, by: top });
    }
    return running.length > 0 && shadowed.length > 0 ? [{ id, running, shadowed }] : [];
  });
}
