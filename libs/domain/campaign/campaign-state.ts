// SPDX-License-Identifier: GPL-2.0-only
import { memberKey, type CampaignFacts, type CampaignOrder, type MemberFacts } from './campaign';

/**
 * Where a member stands:
 * - `to-build`, `building`, `build-failed`: its module;
 * - `to-order`: its module is there, and no entry loads it; `refused`: it could not be appended, or begun;
 * - `ordered`: an entry loads it, and nothing ships it;
 * - `held`: its rollout is planned, and waits for its turn;
 * - the rest: how its rollout is.
 */
export type MemberState =
  | 'to-build'
  | 'building'
  | 'build-failed'
  | 'to-order'
  | 'refused'
  | 'ordered'
  | 'held'
  | 'running'
  | 'paused'
  | 'halted'
  | 'succeeded'
  | 'aborted'
  | 'superseded';

export function memberState({ build, seq, problem, rollout }: MemberFacts): MemberState {
  if (rollout !== null) {
    const isHeld = rollout.status === 'paused' && rollout.words.every(({ kind }) => kind !== 'resume');
    return isHeld ? 'held' : rollout.status;
  }
  if (problem !== null) return 'refused';
  if (seq !== null) return 'ordered';
  switch (build.kind) {
    case 'none':
      return 'to-build';
    case 'working':
      return 'building';
    case 'failed':
      return 'build-failed';
    case 'built':
      return 'to-order';
  }
}

const isUnderWay = (state: MemberState): boolean => state === 'running' || state === 'paused';

/** Its own end, whatever becomes of the others. */
export const hasEnded = (state: MemberState): boolean =>
  state === 'succeeded' || state === 'aborted' || state === 'superseded';

/** Somebody has to look at it; also where another rollout took its place, as one that takes it back. */
export const isInTrouble = (state: MemberState): boolean =>
  ['halted', 'aborted', 'superseded', 'refused', 'build-failed'].includes(state);

/** What was said last of pause, resume and abort. */
export function standingOrder(orders: readonly CampaignOrder[]): CampaignOrder | undefined {
  return orders.findLast(({ kind }) => kind !== 'approve');
}

/** Somebody has gone on despite its trouble, and nothing was said to its rollout since: what comes after is another one. */
const isExcused = (member: MemberFacts, orders: readonly CampaignOrder[]): boolean =>
  orders.some(
    (order) =>
      order.kind === 'resume' &&
      order.despite.includes(memberKey(member)) &&
      (member.rollout?.words ?? []).every(({ atMs }) => atMs <= order.atMs),
  );

/** Members in trouble that nobody has gone on despite. */
export const troublesOf = ({ members, orders }: CampaignFacts): MemberFacts[] =>
  members.filter((member) => isInTrouble(memberState(member)) && !isExcused(member, orders));

/** Whether members that have not begun may. */
export const mayGoOn = (facts: CampaignFacts): boolean =>
  standingOrder(facts.orders)?.kind !== 'pause' && (facts.policy.goesOnAfterHalt || troublesOf(facts).length === 0);

/** How many more may begin now. */
export function freePlaces({ policy, members }: CampaignFacts): number {
  return Math.max(0, policy.membersAtOnce - members.filter((member) => isUnderWay(memberState(member))).length);
}

export const lacksApprovals = ({ rollout }: MemberFacts): boolean =>
  rollout?.approvals != null && !rollout.approvals.begun && rollout.approvals.given < rollout.approvals.needed;

/**
 * `preparing`: modules and entries; `waiting`: for approvals; `halted`: a member is in trouble, and nobody else goes on before
 * somebody has looked; `succeeded`: all have ended, not all of them aborted.
 */
export type CampaignState = 'preparing' | 'waiting' | 'running' | 'paused' | 'halted' | 'succeeded' | 'aborted';

export function campaignState(facts: CampaignFacts): CampaignState {
  const { members, orders } = facts;
  const standing = standingOrder(orders)?.kind;
  const states = members.map(memberState);
  if (standing === 'abort' || states.every((state) => state === 'aborted')) return 'aborted';
  if (states.every(hasEnded)) return 'succeeded';
  if (standing === 'pause') return 'paused';
  if (states.some(isUnderWay)) return 'running';
  const begins = members.filter((member) => !hasEnded(memberState(member)) && !isInTrouble(memberState(member)));
  if (!mayGoOn(facts) || begins.length === 0) return 'halted';
  if (begins.some((member) => memberState(member) !== 'held')) return 'preparing';
  return begins.every(lacksApprovals) ? 'waiting' : 'running';
}

/**
 * What people approve: what is planned of all members, as text; undefined before all of them are planned. One that is in trouble
 * and keeps nobody from going on is no part of it.
 */
export function agreementText(facts: CampaignFacts): string | undefined {
  const isLeftOut = (member: MemberFacts): boolean =>
    member.rollout === null && isInTrouble(memberState(member)) && mayGoOn(facts);
  const lines: string[] = [];
  for (const member of facts.members) {
    const { rollout } = member;
    if (isLeftOut(member)) continue;
    if (rollout === null) return undefined;
    lines.push(`${memberKey(member)} ${rollout.id} ${rollout.approvals?.hash ?? ''}`);
  }
  return ['lockstep campaign 1', ...lines.sort()].join('\n');
}

/** How many members are how. */
export function countStates(facts: CampaignFacts): ReadonlyMap<MemberState, number> {
  const counts = new Map<MemberState, number>();
  for (const member of facts.members) {
    const state = memberState(member);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}
