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

/** What was gathered at one moment: the kernel's livepatches, bottom first, and the artifacts on this disk. */
export interface Observation {
  readonly patches: readonly ObservedPatch[];
  readonly artifacts: ReadonlySet<Sha256>;
}

/** A stable word for programs and its explanation, saying what to do. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
}

/** The module is to come from a control plane that is away: no fault of node or patch, and it goes on by itself. */
export const serverAway = 'server-away';
