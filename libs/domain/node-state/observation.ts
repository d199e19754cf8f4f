// SPDX-License-Identifier: GPL-2.0-only
import type { Consistency } from '@lockstep/domain/load-order';
import type {
  KernelTrouble,
  ModuleName,
  Obstacle,
  PatchedFunction,
  Sha256,
  TaskHolder,
} from '@lockstep/domain/livepatch-model';

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

/** A task in the way of a transition. */
export interface Blocker {
  readonly pid: number;
  readonly comm: string;
  /** Where it is; empty where that is not known. */
  readonly function: string;
  /** What holds it there, if it is more than the function. */
  readonly heldBy?: TaskHolder | undefined;
}

/** How the kernel switched a livepatch last (/sys/kernel/livepatch/transition_stats). */
export interface Transition {
  readonly module: ModuleName;
  readonly mode: Consistency;
  readonly direction: 'patching' | 'unpatching';
  readonly result: 'pending' | 'switched' | 'reversed' | 'failed' | 'forced';
  readonly attempts: number;
  /** How long all CPUs stood still. */
  readonly windowLastNs: number;
  readonly windowMaxNs: number;
  readonly checkedOutside: number;
  readonly checkedInside: number;
  readonly elapsedMs: number;
  /** Tasks in the way of the last attempt that failed. */
  readonly blockers: readonly Blocker[];
}

/** What was gathered at one moment: the kernel's livepatches, bottom first, and the artifacts on this disk. */
export interface Observation {
  readonly patches: readonly ObservedPatch[];
  readonly artifacts: ReadonlySet<Sha256>;
  /** Since the machine booted; it goes on while it sleeps, and nobody can set it. */
  readonly uptimeMs: number;
  /** Who says that this agent only looks: the kernel's command line or a file. Absent: nobody. */
  readonly hold?: string | undefined;
  /** The kernel's own view; empty on a stock core, which has none. */
  readonly kernelConflicts?: readonly KernelConflict[];
  /** Absent where the core has no modes, or has switched nothing yet. */
  readonly lastTransition?: Transition | undefined;
  /** Modules that were livepatches, are disabled, and that the kernel keeps until it boots. */
  readonly kept?: readonly ModuleName[];
  /** What would be in the way of loads, as far as it can be seen beforehand. */
  readonly obstacles?: readonly Obstacle[];
  /** What the kernel has complained about last in its log. */
  readonly trouble?: KernelTrouble | undefined;
}

/** A module that the kernel keeps though it is disabled, and what may still call its code, as far as an entry says it. */
export interface KeptModule {
  readonly module: ModuleName;
  readonly reasons: readonly string[];
}

/** A stable word for programs and its explanation, saying what to do. */
export interface Problem {
  readonly reason: string;
  readonly message: string;
  /** Only a change of the host, or of what it is to load, helps: it is not tried again before one is seen. */
  readonly lasting?: boolean;
  /** The transition that was taken back, with the tasks that were in its way then. */
  readonly transition?: Transition | undefined;
}

/** The module is to come from a control plane that is away or in trouble itself: no fault of node or patch, and it goes on by itself. */
export const serverAway = 'server-away';

/** The journal does not verify: what this node acknowledged is not known to it any more. */
export const journalDamaged = 'journal-damaged';

/** The journal holds an entry of a version that this agent is too old for: a newer one wrote it. */
export const journalNotReadable = 'journal-not-readable';

/** Such a node does not know its own position and target, and reports none. */
export const hasNoJournal = (reason: string): boolean => [journalDamaged, journalNotReadable].includes(reason);

/** An entry of a version that this agent is too old for: it knows the log only up to there. */
export const entryNotReadable = 'entry-not-readable';

/** Such a node takes no target until somebody has seen to it: its journal is damaged, or its agent too old. */
export const takesNoTarget = (reason: string): boolean => hasNoJournal(reason) || reason === entryNotReadable;
