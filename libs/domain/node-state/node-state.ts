// SPDX-License-Identifier: GPL-2.0-only
import type {
  HeadRefusal,
  LoadEntry,
  LogEntry,
  LogKey,
  LogName,
  LoadBody,
  SignedHead,
} from '@lockstep/domain/load-order';
import type { ArtifactManifest, ModuleName, Seq } from '@lockstep/domain/livepatch-model';
import type { BegunLoad, BootFacts, EndedBoot, Quarantine } from './boot-history';
import type { Observation, Problem } from './observation';

/** What the journal holds, and so what a crash does not take away. */
export interface Recorded {
  readonly log: LogName;
  /** Verified and recorded: seq 1..n. */
  readonly entries: readonly LogEntry[];
  /** The newest log key that this node knows, from whichever log of its cluster; undefined: the one it enrolled with. */
  readonly newestKey?: LogKey | undefined;
  /** The newest word of whoever signs this log about where it ends. */
  readonly signedHead?: SignedHead | undefined;
  /** Since when this log is followed, by the node's clock; undefined: that was not written down. */
  readonly followsSinceMs?: number | undefined;
  /** The highest position accepted; never above the head. */
  readonly target: Seq;
  /** The highest position whose stack the kernel has held; never above the target. */
  readonly position: Seq;
  /** Of this boot, and of earlier ones that nobody has judged yet; oldest first. */
  readonly loads: readonly BegunLoad[];
  /** Boots of those loads that were shut down in order. */
  readonly endedBoots: readonly EndedBoot[];
  /** Loads that this host did not survive and has not survived since. */
  readonly quarantines: readonly Quarantine[];
  /** Livepatches that an operator wants unloaded although no entry explains them; none once none of them is seen. */
  readonly disowned: readonly ModuleName[];
}

export interface Known extends Recorded {
  readonly boot: BootFacts;
  /** Why the last log offered was not taken; gone once one is, or with the next session. */
  readonly fork: Problem | undefined;
  /** Why the log that is offered cannot be read on: no fork, but a version from the future. Gone with the next session. */
  readonly unreadable: Problem | undefined;
  /** Why the last thing to record could not be; gone once something could, or with the next session. */
  readonly storage: Problem | undefined;
  /** Why the last signed head was not taken; gone once one is. */
  readonly headRefusal?: HeadRefusal | undefined;
}

/** One change to the machine. At most one is under way. */
export type Job =
  | { readonly kind: 'fetch'; readonly artifact: ArtifactManifest }
  | {
      readonly kind: 'load';
      readonly entry: LoadEntry;
      /** Modules it may shadow: the log's overrides, no others. */
      readonly mayShadow: readonly ModuleName[];
      /** Modules that this `replace` load makes inactive, to be removed after it. */
      readonly replaces: readonly ModuleName[];
    }
  | ({ readonly kind: 'unload'; readonly module: ModuleName } & TransitionPolicy)
  /** Wait until a transition ends that another life of the agent began. */
  | ({ readonly kind: 'settle'; readonly module: ModuleName } & TransitionPolicy);

/** What the entry that loads a module says about its transitions; one that is unloaded goes by the same. */
export type TransitionPolicy = Pick<LoadBody, 'transitionTimeoutMs' | 'mayInterrupt'>;

/** Failures in a row: how many, and the last of them. It is told until something succeeds, also while it is tried again. */
export interface Setback {
  readonly count: number;
  readonly problem: Problem;
}

/**
 * The agent's brain (`advance`):
 *
 * ```
 *            observed                    move-requested, or the kernel changed
 *  looking ───────────┬──▶ in-step ─────────────────────────┐
 *     ▲               ├──▶ moving ◀─┐ job-finished, more to do
 *     │ retry-due     │      │  └───┘
 *     │               │      ├──▶ in-step   nothing left to do
 *   failed ◀──────────┼──────┤    job-finished with a problem
 *                     ├──▶ held     something is to be done, and the agent was told only to look
 *                     └──▶ diverged ◀──┘   a foreign livepatch was seen; left when it is gone
 * ```
 *
 * Recording, forks and reports happen in every phase and do not change it.
 */
export type NodeState =
  | {
      readonly phase: 'looking';
      readonly known: Known;
      readonly seen: Observation | undefined;
      readonly setback: Setback | undefined;
    }
  | { readonly phase: 'in-step'; readonly known: Known; readonly seen: Observation }
  | {
      readonly phase: 'moving';
      readonly known: Known;
      readonly seen: Observation;
      readonly job: Job;
      readonly setback: Setback | undefined;
    }
  | {
      readonly phase: 'failed';
      readonly known: Known;
      readonly seen: Observation | undefined;
      readonly setback: Setback;
    }
  | { readonly phase: 'held'; readonly known: Known; readonly seen: Observation }
  | {
      readonly phase: 'diverged';
      readonly known: Known;
      readonly seen: Observation;
      readonly foreign: readonly ModuleName[];
    };

export type JobOutcome = { readonly ok: true } | { readonly ok: false; readonly problem: Problem };

export type NodeEvent =
  /** Asked for by an `observe` effect; ignored while a job runs, which ends with an observation of its own. */
  | { readonly kind: 'observed'; readonly seen: Observation }
  | { readonly kind: 'observation-failed'; readonly problem: Problem }
  | { readonly kind: 'job-finished'; readonly outcome: JobOutcome; readonly seen: Observation }
  /** Time to look whether somebody changed the kernel. */
  | { readonly kind: 'look-due' }
  | { readonly kind: 'retry-due' }
  /** A new conversation with a control plane. */
  | { readonly kind: 'session-opened' }
  | {
      readonly kind: 'log-offered';
      readonly entries: readonly LogEntry[];
      /** Within how many ms what they load may be fetched before it is asked for; undefined: nobody said. */
      readonly fetchWithinMs?: number | undefined;
    }
  /** What follows the entries that were offered is of a version that this agent does not know. */
  | { readonly kind: 'log-unreadable'; readonly problem: Problem }
  /** Where the log ends, by the word of who signs it; when it came is the node's own word. */
  | { readonly kind: 'head-offered'; readonly head: SignedHead; readonly nowMs: number }
  | { readonly kind: 'move-requested'; readonly seq: Seq }
  | { readonly kind: 'entries-recorded'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'head-recorded'; readonly head: SignedHead }
  | { readonly kind: 'target-recorded'; readonly seq: Seq }
  | { readonly kind: 'position-recorded'; readonly seq: Seq }
  | { readonly kind: 'boot-recorded' }
  | { readonly kind: 'load-recorded'; readonly load: BegunLoad }
  | { readonly kind: 'stable-recorded'; readonly seqs: readonly Seq[] }
  /** An operator says that what crashed in this boot may be loaded again. */
  | { readonly kind: 'release-requested'; readonly crashedBoot: string }
  /** An operator wants these livepatches unloaded, which no entry explains. */
  | { readonly kind: 'repair-requested'; readonly modules: readonly ModuleName[] }
  | { readonly kind: 'release-recorded'; readonly released: readonly Quarantine[] }
  /** None: that word is over. */
  | { readonly kind: 'repair-recorded'; readonly modules: readonly ModuleName[] }
  | { readonly kind: 'recording-failed'; readonly problem: Problem };

/** Events that a control plane brings about. What became of the kernel or the journal is nobody's word but the agent's own. */
export type ControlWord =
  | Extract<
      NodeEvent,
      {
        readonly kind:
          | 'session-opened'
          | 'retry-due'
          | 'log-offered'
          | 'log-unreadable'
          | 'move-requested'
          | 'release-requested'
          | 'repair-requested';
      }
    >
  | { readonly kind: 'head-offered'; readonly head: SignedHead };

/**
 * `record-*` are carried out at once and answered by `*-recorded` or `recording-failed` before the effects that follow
 * them; `run` goes on beside everything else and is answered by `job-finished`; `observe` by `observed`.
 */
export type NodeEffect =
  /** First the keys that they bring in, so that a node which was cut off in between knows too new a key and not too old a one. */
  | { readonly kind: 'record-entries'; readonly entries: readonly LogEntry[] }
  | { readonly kind: 'record-head'; readonly head: SignedHead }
  | { readonly kind: 'record-target'; readonly seq: Seq }
  | { readonly kind: 'record-position'; readonly seq: Seq }
  /** Earlier boots are judged, with what was found of them. */
  | { readonly kind: 'record-boot'; readonly bootId: string; readonly quarantines: readonly Quarantine[] }
  /** On disk before the module is inserted. */
  | { readonly kind: 'record-load'; readonly seq: Seq; readonly bootId: string }
  | { readonly kind: 'record-stable'; readonly seqs: readonly Seq[]; readonly bootId: string }
  | { readonly kind: 'record-release'; readonly released: readonly Quarantine[] }
  /** What an operator wants unloaded; none: none of it is there any more. */
  | { readonly kind: 'record-repair'; readonly modules: readonly ModuleName[] }
  | { readonly kind: 'observe' }
  | { readonly kind: 'run'; readonly job: Job }
  | { readonly kind: 'retry-later'; readonly delayMs: number }
  /** Send the view of the state as it then is. */
  | { readonly kind: 'report' }
  /** Start the conversation over, so that what could not be recorded is offered again. */
  | { readonly kind: 'reconnect' };

export interface Advance {
  readonly state: NodeState;
  readonly effects: readonly NodeEffect[];
}
