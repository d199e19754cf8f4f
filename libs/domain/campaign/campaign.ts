// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName, KernelBuildId, Seq } from '@lockstep/domain/livepatch-model';

/** How its members follow one another. */
export interface CampaignPolicy {
  /** So many of them may be under way at once: the others wait for their turn, in their order. At least 1. */
  readonly membersAtOnce: number;
  /** Whether a member that halts, or that cannot be begun, leaves those alone that have not begun; otherwise it holds them. */
  readonly goesOnAfterHalt: boolean;
}

/** What there is of the patch for a member's kernel build and stack. */
export type BuildFacts =
  | { readonly kind: 'none' }
  | { readonly kind: 'working'; readonly id: string }
  | { readonly kind: 'failed'; readonly id: string; readonly message: string }
  | { readonly kind: 'built'; readonly id: string };

/** Pauses and resumes of a rollout, as they were given. */
export interface RolloutWord {
  readonly kind: 'pause' | 'resume';
  readonly atMs: number;
  /** It was given for this campaign, and not to the rollout by itself. */
  readonly ofCampaign: boolean;
}

/** The newest rollout that was begun for a member. */
export interface MemberRollout {
  readonly id: string;
  readonly status: 'running' | 'paused' | 'halted' | 'succeeded' | 'aborted' | 'superseded';
  /** What people approve in it; null where nobody's word is needed. */
  readonly approvals: {
    readonly hash: string;
    readonly needed: number;
    /** Whose word counts; none: of all that may approve. */
    readonly among: readonly string[];
    /** So many count now, of `hash`. */
    readonly given: number;
    /** Whose do. */
    readonly by: readonly string[];
    /** When each was given, of `hash`, also those that have expired. */
    readonly told: readonly { readonly by: string; readonly atMs: number }[];
    /** For so long one counts. */
    readonly validMs: number;
    /** Something has begun: none are asked for any more. */
    readonly begun: boolean;
  } | null;
  readonly words: readonly RolloutWord[];
}

/** A load order that the campaign brings its patch into, and the rollout of it. */
export interface MemberFacts {
  readonly cluster: ClusterName;
  readonly kernelBuild: KernelBuildId;
  readonly build: BuildFacts;
  /** The entry of its stack that loads the patch. */
  readonly seq: Seq | null;
  /** Why it could not be ordered, or begun, when that was tried last. */
  readonly problem: { readonly reason: string; readonly message: string } | null;
  readonly rollout: MemberRollout | null;
}

/** What somebody has said to a campaign. */
export type CampaignOrder = { readonly by: string; readonly reason: string; readonly atMs: number } & (
  | { readonly kind: 'pause' | 'abort' }
  /** What stood in the way by then is no reason to hold anybody any more. */
  | { readonly kind: 'resume'; readonly despite: readonly string[] }
  | { readonly kind: 'approve'; readonly hash: string }
);

export interface CampaignFacts {
  readonly nowMs: number;
  readonly policy: CampaignPolicy;
  /** In the order in which they get their turn. At least one. */
  readonly members: readonly MemberFacts[];
  /** In the order in which they were given. */
  readonly orders: readonly CampaignOrder[];
}

/** Names a member within its campaign. */
export const memberKey = ({ cluster, kernelBuild }: Pick<MemberFacts, 'cluster' | 'kernelBuild'>): string =>
  `${cluster}/${kernelBuild}`;
