// SPDX-License-Identifier: GPL-2.0-only
import type { KernelBuildId } from '@lockstep/domain/livepatch-model';
import type { CampaignFacts, CampaignOrder, MemberFacts, RolloutWord } from './campaign';
import { countsIn, isApprovalOf, isUntold } from './campaign-approvals';
import { agreementText, freePlaces, lacksApprovals, mayGoOn, memberState, standingOrder } from './campaign-state';

/** What is done next for a campaign; each may be repeated, and all that were not done are found again. */
export type CampaignStep =
  /** The patch, for these kernel builds. */
  | { readonly kind: 'build'; readonly kernelBuilds: readonly KernelBuildId[] }
  /** An entry that loads the patch, on top of the member's load order. */
  | { readonly kind: 'append'; readonly member: MemberFacts }
  /** The member's rollout, paused: it is planned, and waits for its turn. */
  | { readonly kind: 'begin'; readonly member: MemberFacts }
  /** A word to a member's rollout. */
  | {
      readonly kind: 'say';
      readonly rollout: string;
      readonly word: 'pause' | 'resume' | 'abort';
      readonly of: CampaignOrder | null;
    }
  /** A person's word for the campaign, which counts for this member. */
  | { readonly kind: 'approve'; readonly rollout: string; readonly hash: string; readonly of: CampaignOrder };

const lastWord = (words: readonly RolloutWord[]): RolloutWord | undefined => words.at(-1);

function abortSteps({ members }: CampaignFacts, of: CampaignOrder): CampaignStep[] {
  return members.flatMap((member): CampaignStep[] => {
    const { rollout } = member;
    const isOver = rollout === null || ['succeeded', 'aborted', 'superseded'].includes(rollout.status);
    return isOver ? [] : [{ kind: 'say', rollout: rollout.id, word: 'abort', of }];
  });
}

/** Who was let go is paused with it, unless somebody has let that one go on since. */
function pauseSteps({ members }: CampaignFacts, of: CampaignOrder): CampaignStep[] {
  return members.flatMap((member): CampaignStep[] => {
    const { rollout } = member;
    if (rollout?.status !== 'running') return [];
    const last = lastWord(rollout.words);
    // A word of the campaign's own that came after it was begun before it.
    if (last !== undefined && !last.ofCampaign && last.atMs > of.atMs) return [];
    return [{ kind: 'say', rollout: rollout.id, word: 'pause', of }];
  });
}

/** What the campaign has paused goes on with it; what somebody has paused by itself does not. */
function resumeSteps({ members }: CampaignFacts, of: CampaignOrder): CampaignStep[] {
  return members.flatMap((member): CampaignStep[] => {
    const { rollout } = member;
    if (rollout === null || memberState(member) !== 'paused') return [];
    const last = lastWord(rollout.words);
    const isOurs = last?.kind === 'pause' && last.ofCampaign && last.atMs < of.atMs;
    return isOurs ? [{ kind: 'say', rollout: rollout.id, word: 'resume', of }] : [];
  });
}

/** Approvals of exactly what is planned now, for the members that have not been told of them. */
function approvalSteps(facts: CampaignFacts, digest: (text: string) => string): CampaignStep[] {
  const text = agreementText(facts);
  if (text === undefined) return [];
  const hash = digest(text);
  // Of each person the newest.
  const given = new Map(facts.orders.filter((order) => isApprovalOf(order, hash)).map((order) => [order.by, order]));
  return facts.members.flatMap(({ rollout }) => {
    const approvals = rollout?.approvals;
    if (rollout == null || approvals == null || approvals.begun) return [];
    return [...given.values()]
      .filter((order) => countsIn(approvals, order.by) && isUntold(order, approvals, facts.nowMs))
      .map((of): CampaignStep => ({ kind: 'approve', rollout: rollout.id, hash: approvals.hash, of }));
  });
}

/** Modules first, then entries, then rollouts that wait: nothing is ordered for a campaign that cannot be whole. */
function preparingSteps({ members }: CampaignFacts): CampaignStep[] {
  const toBuild = members.filter((member) => memberState(member) === 'to-build');
  if (toBuild.length > 0) {
    return [{ kind: 'build', kernelBuilds: [...new Set(toBuild.map(({ kernelBuild }) => kernelBuild))] }];
  }
  if (members.some((member) => memberState(member) === 'building')) return [];
  return members.flatMap((member): CampaignStep[] => {
    const state = memberState(member);
    if (state === 'to-order') return [{ kind: 'append', member }];
    return state === 'ordered' ? [{ kind: 'begin', member }] : [];
  });
}

/** Those whose turn it is, in their order. */
function releaseSteps(facts: CampaignFacts): CampaignStep[] {
  const isPreparing = facts.members.some((member) =>
    ['to-build', 'building', 'to-order', 'ordered'].includes(memberState(member)),
  );
  // One plan and one approval: nobody goes before all are planned.
  if (isPreparing) return [];
  return facts.members
    .filter((member) => memberState(member) === 'held' && !lacksApprovals(member))
    .slice(0, freePlaces(facts))
    .flatMap(({ rollout }): CampaignStep[] =>
      rollout === null ? [] : [{ kind: 'say', rollout: rollout.id, word: 'resume', of: null }],
    );
}

/**
 * What follows from the facts. An executor does all of it, in any order, and asks again with new facts.
 * @param digest of a text: the hash that people approve
 */
export function nextSteps(facts: CampaignFacts, digest: (text: string) => string): CampaignStep[] {
  const standing = standingOrder(facts.orders);
  if (standing?.kind === 'abort') return abortSteps(facts, standing);
  const approvals = approvalSteps(facts, digest);
  if (standing?.kind === 'pause') return [...approvals, ...pauseSteps(facts, standing)];
  const resumed = standing?.kind === 'resume' ? resumeSteps(facts, standing) : [];
  const goingOn = mayGoOn(facts) ? [...preparingSteps(facts), ...releaseSteps(facts)] : [];
  return [...approvals, ...resumed, ...goingOn];
}
