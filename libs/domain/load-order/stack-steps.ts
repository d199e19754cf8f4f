// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleName, Sha256 } from '@lockstep/domain/livepatch-model';
import type { LoadEntry, LogEntry, UnsignedEntry } from './log-entry';
import type { Stack } from './stack';

/** A module in a kernel. */
export interface HeldModule {
  readonly module: ModuleName;
  /** Of its bytes; undefined where nobody knows which of several modules of that name it is. */
  readonly artifact: Sha256 | undefined;
}

/** A module is what its bytes are, not what it is called. */
export function holdsEntry<Entry extends UnsignedEntry>(
  held: HeldModule | undefined,
  entry: LoadEntry<Entry>,
): boolean {
  const { moduleName, sha256 } = entry.body.artifact;
  return held?.module === moduleName && held.artifact === sha256;
}

/** One change to a kernel's livepatches. */
export type StackStep<Entry extends UnsignedEntry = LogEntry> =
  | { readonly kind: 'unload'; readonly module: ModuleName }
  | {
      readonly kind: 'load';
      readonly entry: LoadEntry<Entry>;
      /** Modules that this `replace` load makes inactive, to be removed after it. */
      readonly replaces: readonly ModuleName[];
    };

/**
 * The steps from what a kernel holds (bottom first) to `target`: unload from the top down to the
 * longest common prefix, then load the rest in order. A `replace` load goes over what is there, so that the host
 * never runs without the fixes.
 */
export function stepsTo<Entry extends UnsignedEntry>(
  held: readonly HeldModule[],
  target: Stack<Entry>,
): StackStep<Entry>[] {
  let common = 0;
  for (const entry of target) {
    if (!holdsEntry(held[common], entry)) break;
    common += 1;
  }
  const load = (entry: LoadEntry<Entry>, replaces: readonly ModuleName[] = []): StackStep<Entry> => ({
    kind: 'load',
    entry,
    replaces,
  });
  const [first, ...rest] = target.slice(common);
  const surplus = held.slice(common).map(({ module }) => module);
  // A module that is in the kernel now cannot be loaded over itself: then the stack is taken down first.
  const inPlace =
    first?.body.artifact.replace === true && !held.some(({ module }) => module === first.body.artifact.moduleName);
  if (first !== undefined && inPlace) return [load(first, surplus), ...rest.map((entry) => load(entry))];
  const unloads = surplus.reverse().map((module): StackStep<Entry> => ({ kind: 'unload', module }));
  return [...unloads, ...target.slice(common).map((entry) => load(entry))];
}
