// SPDX-License-Identifier: GPL-2.0-only
import type {
  HeldOutStatus,
  KernelTrouble,
  KernelBuildId,
  NodeName,
  NodeStatus,
  Obstacle,
  Seq,
} from '@lockstep/domain/livepatch-model';
import type { Labels } from '@lockstep/domain/labels';
import type { MetricGate, ProbeResult } from '@lockstep/domain/probes';
import type { ClosedGate } from '@lockstep/domain/schedule';
import type { Approvals } from './approvals';
import type { PlanCaveat } from './plan-caveats';
import type { RetiredLoad } from './retired-loads';

/** The last report of a node's agent. */
export interface NodeFactsReport {
  readonly status: NodeStatus;
  readonly position: Seq;
  /** What the agent has journaled as its target: the acknowledgement of a move. */
  readonly target: Seq;
  /** The agent's own words, where it has a problem. */
  readonly problem: string | null;
  /** It can be given no further target, whatever is done here, until somebody has seen to it. */
  readonly takesNoTarget?: boolean;
  /** What it has seen that would be in the way of loads. */
  readonly obstacles?: readonly Obstacle[] | undefined;
  /** What its kernel has complained about last, in this boot. */
  readonly trouble?: KernelTrouble | undefined;
  /** What its probes came to last. */
  readonly probes?: readonly ProbeResult[] | undefined;
}

/** One node of the cluster as it was gathered. */
export interface NodeFacts {
  readonly node: NodeName;
  /** Of the kernel it runs, or ran when last seen; null when it has never said. */
  readonly kernelBuild: KernelBuildId | null;
  readonly connected: boolean;
  readonly report: NodeFactsReport | null;
  /** Those that count, by which windows choose it. */
  readonly labels?: Labels | undefined;
  /** When it was heard of last: time of day, in ms; absent if never. */
  readonly lastSeenMs?: number | undefined;
}

/** Why a node is not at the rollout's position yet. Whom it waits for is the plan's to say, once for all that wait. */
export type NotYet =
  | { readonly reason: 'waiting-for-canary' }
  | { readonly reason: 'waiting-for-wave'; readonly wave: number }
  /** Its wave is open, and as many of it as may be are on their way or unwell. */
  | { readonly reason: 'waiting-for-budget' }
  /** Its wave is open, and as many of its failure domain as may be are on their way or unwell, in whatever wave. */
  | {
      readonly reason: 'waiting-for-domain';
      readonly domain: string;
      readonly onTheWay: number;
      readonly failures: number;
      /** Of whom nobody knows how they are since their load; absent: none. */
      readonly unmeasured?: number | undefined;
      readonly atMost: number;
    }
  /** Its wave is open, and not enough people have approved. */
  | { readonly reason: 'waiting-for-approval' }
  /** Its wave is open, and its load may not begin now. */
  | { readonly reason: 'waiting-for-window'; readonly closed: ClosedGate }
  /** Its wave is open, and its probes have not all passed where it is. */
  | { readonly reason: 'waiting-for-baseline' }
  /** It came after the waves were planned. */
  | { readonly reason: 'late' }
  /** The rollout has succeeded, and what it would load is being taken back by another one, which it waits for. */
  | { readonly reason: 'retired'; readonly entries: readonly RetiredLoad[] }
  | { readonly reason: 'moving'; readonly position: Seq }
  /** It may move, and says itself why it does not get on. */
  | { readonly reason: 'stuck'; readonly position: Seq; readonly problem: string }
  /** It was on its way for longer than is waited for. */
  | { readonly reason: 'overdue'; readonly position: Seq }
  | { readonly reason: 'disconnected' }
  /** Away for longer than is waited for. */
  | { readonly reason: 'unreachable' }
  /** Connected, but it has not reported, or nothing that is known here. */
  | { readonly reason: 'silent' }
  /** It was sent on its way and is gone since: nobody knows what the patch did to it. */
  | { readonly reason: 'lost' }
  | { readonly reason: HeldOutStatus; readonly problem: string }
  | { readonly reason: 'failed'; readonly problem: string }
  /** It did not survive an entry. */
  | { readonly reason: 'quarantined'; readonly problem: string }
  /** Its kernel has complained since it was let go. */
  | { readonly reason: 'unwell'; readonly problem: string }
  /** Its kernel would refuse what it is to load: it is not sent, and nobody waits for it, until that is out of the way. */
  | { readonly reason: 'obstructed'; readonly problem: string }
  /** It holds the position, and its probes have not all been run there. */
  | { readonly reason: 'probing' }
  /** It holds the position, and one of its probes fails. */
  | { readonly reason: 'probe-failed'; readonly problem: string }
  /** One of its probes fails before its load: it is not loaded as long as that is so. */
  | { readonly reason: 'unhealthy'; readonly problem: string }
  /** One of its probes cannot be measured, which is no pass. */
  | { readonly reason: 'unmeasured'; readonly problem: string }
  | { readonly reason: 'rollout-paused' }
  | { readonly reason: 'rollout-aborted' }
  | { readonly reason: 'rollout-halted' };

export interface NodePlan {
  readonly node: NodeName;
  /** 0 for the canaries; null for one that came after the waves were planned. */
  readonly wave: number | null;
  readonly position: Seq;
  /** It may move: decided once, never taken back. */
  readonly released: boolean;
  /** Its failure is no news, so no reason to halt: it was there before this rollout, or somebody went on despite it. */
  readonly excused: boolean;
  /** Of a rollout that undoes another: it was unwell when that began, and has not been well since. */
  readonly unwellBefore?: true | undefined;
  /** Somebody wants its failure forgotten: until it is overdue it counts as on its way. */
  readonly triesAgain?: true | undefined;
  /** Since when it has been on its way; absent for one that is not. */
  readonly triesSinceMs?: number | undefined;
  /** How long it was on its way before it was where it was brought; absent where that was not seen. */
  readonly tookMs?: number | undefined;
  /** What its kernel had complained about when it was let go: no news; absent if nothing. */
  readonly troubleBefore?: string | undefined;
  /** Its failure domain, as `zone=a`; absent where the rollout is not spread. */
  readonly domain?: string | undefined;
  /** What may hold it up, in words; absent where nothing is known. */
  readonly obstacles?: readonly string[] | undefined;
  /** Null once it is there. */
  readonly notYet: NotYet | null;
  /** When it was first planned with that reason (or as being there): time of day, in ms. */
  readonly sinceMs: number;
}

export interface WavePlan {
  /** Nodes that it was planned with: what shares are of, whoever leaves. */
  readonly planned: number;
  /** Since when all that it waits for are there, and well; null while some are not. */
  readonly bakesSinceMs: number | null;
  /** When they had been so for the bake time; null until then. What passed stays so. */
  readonly passedAtMs: number | null;
  /** Somebody went on although a gate was broken or could not be measured: it is not asked about this wave again. */
  readonly gatesWaived?: true | undefined;
}

/** The first wave that has not passed and that somebody can try: later ones wait for it. */
export interface OpenWave {
  readonly wave: number;
  /** Until when they have to stay well; null while some are not there. */
  readonly bakesUntilMs: number | null;
  /** How many of its nodes keep it open, and the first few of them. */
  readonly open: number;
  readonly nodes: readonly NodeName[];
}

/** Why it halted. Nodes are the first few. */
export type Halt =
  | {
      readonly reason: 'failures';
      readonly wave: number;
      readonly failures: number;
      readonly allowed: number;
      readonly planned: number;
      readonly nodes: readonly NodeName[];
    }
  /** A host did not survive, or its kernel had an oops. */
  | {
      readonly reason: 'crash';
      readonly nodes: readonly NodeName[];
      /** Those of them that live on after an oops; absent: none. */
      readonly oopsed?: readonly NodeName[] | undefined;
    }
  /** As many have failed as may be unwell at once: nobody else could start. */
  | {
      readonly reason: 'no-room';
      readonly wave: number;
      readonly failures: number;
      readonly nodes: readonly NodeName[];
      /** Of this failure domain; then the nodes are those that cannot start. Absent: of the wave. */
      readonly domain?: string | undefined;
    }
  /** A number has left its bound while a wave proved itself. */
  | { readonly reason: 'gate'; readonly wave: number; readonly gate: MetricGate; readonly value: number }
  /** Nodes would have to load what was retired meanwhile. */
  | { readonly reason: 'retired'; readonly entries: readonly RetiredLoad[]; readonly nodes: readonly NodeName[] }
  /** None of a wave got there: nobody has tried it. */
  | { readonly reason: 'nobody-arrived'; readonly wave: number }
  /** All its nodes have left the cluster. */
  | { readonly reason: 'nobody-left' }
  /** An emergency that has not ended in time: what it skips it may skip no longer. */
  | { readonly reason: 'out-of-time' };

/** Why it takes a person to say how it goes on: what has to be known could not be measured, and is no pass. */
export type Inconclusive =
  | {
      readonly kind: 'nodes';
      readonly wave: number;
      /** How many could not be measured, and how many may; the first few of them. */
      readonly count: number;
      readonly allowed: number;
      readonly nodes: readonly NodeName[];
    }
  /** They fill that failure domain, and nobody else could start: not one of these, which are ready. */
  | {
      readonly kind: 'domain';
      readonly wave: number;
      readonly domain: string;
      readonly nodes: readonly NodeName[];
      readonly ready: readonly NodeName[];
    }
  /** A gate of that name. */
  | { readonly kind: 'gate'; readonly wave: number; readonly gate: string; readonly problem: string };

/** What one that goes on waits for, and until when at the latest; null where nothing but an operator ends it. */
export type Waiting =
  | { readonly reason: 'wave'; readonly wave: number; readonly untilMs: number | null }
  /** So many have approved what is planned; nothing begins before enough have. */
  | { readonly reason: 'approval'; readonly given: number; readonly needed: number; readonly untilMs: null }
  /** Who could start may not now: until the first of them may. */
  | { readonly reason: 'window'; readonly closed: ClosedGate; readonly untilMs: number }
  /** All of the wave are there: they have to stay well. */
  | { readonly reason: 'bake'; readonly wave: number; readonly untilMs: number }
  /** All of the wave have been well for long enough; its gates have to be measured. Null: nobody asks them. */
  | { readonly reason: 'gates'; readonly wave: number; readonly untilMs: number | null }
  /** No wave is open, none that somebody could try: for those that are not there. */
  | { readonly reason: 'absent'; readonly nodes: readonly NodeName[]; readonly count: number; readonly untilMs: number }
  /** It has paused by itself. */
  | { readonly reason: 'inconclusive'; readonly what: Inconclusive; readonly untilMs: null }
  | { readonly reason: 'paused'; readonly untilMs: null };

export interface Move {
  readonly node: NodeName;
  readonly toSeq: Seq;
}

/**
 * `succeeded` and `aborted` are for good; nodes that come after a success are still brought to its position. One that is
 * `halted` or `paused` goes on when somebody resumes it.
 */
export type PlanStatus = 'running' | 'paused' | 'halted' | 'succeeded' | 'aborted';

export const isForGood = (status: PlanStatus): boolean => status === 'succeeded' || status === 'aborted';

/**
 * Immutable. What is decided (status, waves, releases) from what was known; each plan of a rollout names the one it
 * follows. The rest are words for what was seen: where they alone differ it is the same plan, in newer words.
 */
export interface RolloutPlan {
  /** 1, 2, … within a rollout. */
  readonly generation: number;
  /** Generation of the plan before; null for the first. */
  readonly parent: number | null;
  readonly toSeq: Seq;
  readonly status: PlanStatus;
  /** By wave, the canaries first. */
  readonly waves: readonly WavePlan[];
  /** What the nodes that wait wait for; null when nothing is. */
  readonly openWave: OpenWave | null;
  /** Null unless it is halted. */
  readonly halt: Halt | null;
  /** Null of one that has ended. */
  readonly waiting: Waiting | null;
  /** By wave, then name. Only nodes that run (or last ran) the rollout's kernel build. */
  readonly nodes: readonly NodePlan[];
  /** Absent where none are needed. */
  readonly approvals?: Approvals | undefined;
  /** Of an emergency, since when; its time goes from then on. */
  readonly urgentSinceMs?: number | undefined;
  /** To be sent now. Sending one twice does no harm: agents ignore what is not above their target. */
  readonly moves: readonly Move[];
  /** What to know of the way there, as it was when the rollout began. */
  readonly caveats: readonly PlanCaveat[];
}
