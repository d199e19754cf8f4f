// SPDX-License-Identifier: GPL-2.0-only
import type {
  HeldOutStatus,
  KernelBuildId,
  NodeName,
  NodeStatus,
  Obstacle,
  Seq,
} from '@lockstep/domain/livepatch-model';
import type { PlannedLoad } from './planned-load';
import type { PlanCaveat } from './plan-caveats';

/** What an operator asked for: fixed for the whole life of a rollout. */
export interface RolloutPolicy {
  readonly kernelBuild: KernelBuildId;
  readonly toSeq: Seq;
  /** Nodes that go first, alone; at least 1. */
  readonly canaries: number;
  /** Nodes in each wave after that; 0 means all the rest in one. */
  readonly waveSize: number;
}

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
}

/** One node of the cluster as it was gathered. */
export interface NodeFacts {
  readonly node: NodeName;
  /** Of the kernel it runs, or ran when last seen; null when it has never said. */
  readonly kernelBuild: KernelBuildId | null;
  readonly connected: boolean;
  readonly report: NodeFactsReport | null;
  /** When it was heard of last: time of day, in ms; absent if never. */
  readonly lastSeenMs?: number | undefined;
}

/** Why a node is not at the rollout's position yet. Whom it waits for is the plan's to say, once for all that wait. */
export type NotYet =
  | { readonly reason: 'waiting-for-canary' }
  | { readonly reason: 'waiting-for-wave'; readonly wave: number }
  | { readonly reason: 'moving'; readonly position: Seq }
  /** It may move, and says itself why it does not get on. */
  | { readonly reason: 'stuck'; readonly position: Seq; readonly problem: string }
  | { readonly reason: 'disconnected' }
  /** Connected, but it has not reported, or nothing that is known here. */
  | { readonly reason: 'silent' }
  /** It was sent on its way and is gone since: nobody knows what the patch did to it. */
  | { readonly reason: 'lost' }
  | { readonly reason: HeldOutStatus; readonly problem: string }
  | { readonly reason: 'failed'; readonly problem: string }
  /** It did not survive an entry. */
  | { readonly reason: 'quarantined'; readonly problem: string }
  /** Its kernel would refuse what it is to load: it is not sent, and nobody waits for it, until that is out of the way. */
  | { readonly reason: 'obstructed'; readonly problem: string }
  | { readonly reason: 'rollout-halted' };

export interface NodePlan {
  readonly node: NodeName;
  /** 0 for the canaries. */
  readonly wave: number;
  readonly position: Seq;
  /** It may move: decided once, never taken back. */
  readonly released: boolean;
  /** It had failed at this very target before this rollout came: no news, so no reason to halt. */
  readonly failedBefore: boolean;
  /** What may hold it up, in words; absent where nothing is known. */
  readonly obstacles?: readonly string[] | undefined;
  /** Null once it is there. */
  readonly notYet: NotYet | null;
  /** When it was first planned with that reason (or as being there): time of day, in ms. */
  readonly sinceMs: number;
}

/** The first wave that has not passed: later ones wait for it. */
export interface OpenWave {
  readonly wave: number;
  /** How many of its nodes keep it open, and the first few of them. */
  readonly open: number;
  readonly nodes: readonly NodeName[];
}

export interface Move {
  readonly node: NodeName;
  readonly toSeq: Seq;
}

/** `succeeded` and `halted` are for good; nodes that come after a success are still brought to its position. */
export type PlanStatus = 'running' | 'succeeded' | 'halted';

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
  /** What the nodes that wait wait for; null when nothing is. */
  readonly openWave: OpenWave | null;
  /** The nodes whose failure halted it. */
  readonly haltedBy: readonly NodeName[];
  /** By wave, then name. Only nodes that run (or last ran) the rollout's kernel build. */
  readonly nodes: readonly NodePlan[];
  /** To be sent now. Sending one twice does no harm: agents ignore what is not above their target. */
  readonly moves: readonly Move[];
  /** What to know of the way there, as it was when the rollout began. */
  readonly caveats: readonly PlanCaveat[];
}

export interface PlanRequest {
  readonly policy: RolloutPolicy;
  /** The plan in force; null for a new rollout. */
  readonly parent: RolloutPlan | null;
  /** Time of day, in ms. */
  readonly nowMs: number;
  /** Every node of the cluster. */
  readonly inventory: readonly NodeFacts[];
  /** Load entries up to the position; absent where no node tells of obstacles. */
  readonly loads?: readonly PlannedLoad[] | undefined;
  /** Of a new rollout; one that goes on keeps its parent's. */
  readonly caveats?: readonly PlanCaveat[];
}
