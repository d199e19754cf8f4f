// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleName, PatchedFunction, Sha256 } from '@lockstep/domain/livepatch-model';

/** A livepatch as the kernel shows it: enabled, or switching to or from it. Disabled ones are gone from its view. */
export interface ObservedPatch {
  readonly module: ModuleName;
  readonly enabled: boolean;
  /** Some tasks are still to be switched (/sys/kernel/livepatch/<patch>/transition). */
  readonly transition: boolean;
  readonly functions: readonly PatchedFunction[];
}

/** A function that the kernel itself says several livepatches change (the patched core's `conflicts` file). */
export interface KernelConflict {
  readonly function: PatchedFunction;
  /** From top, whose code runs, to bottom. */
  readonly owners: readonly {
    readonly module: ModuleName;
    /** The name and place by which this one changes it, where that is another of the same address. */
    readonly knownAs?: Pick<PatchedFunction, 'name' | 'sympos'>;
  }[];
}

/** What was gathered at one moment: the kernel's livepatches, bottom first, and the artifacts on this disk. */
export interface Observation {
  readonly patches: readonly ObservedPatch[];
  readonly artifacts: ReadonlySet<Sha256>;
  /** The kernel's own view; empty on a stock core, which has none. */
  readonly kernelConflicts?: readonly KernelConflict[];
}

/** A stable word for programs and its explanation, saying what to do. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** The module is to come from a control plane that is away: no fault of node or patch, and it goes on by itself. */
export const serverAway = 'server-away';
