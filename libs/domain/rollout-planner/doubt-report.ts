// SPDX-License-Identifier: GPL-2.0-only
import type { Seq } from '@lockstep/domain/livepatch-model';

/** What of a node's report can be checked against what is known without it. */
export interface ReportClaims {
  readonly position: number;
  readonly target: number;
  readonly headSeq: number;
  /** Empty from an agent that does not say it. */
  readonly bootId: string;
}

export interface ReportBounds {
  /** The last entry that the node can have: the newest it has proved to know or was sent since. */
  readonly offered: Seq;
  /** The target that it acknowledged last, in this boot and this enrolment. */
  readonly acknowledged: Seq;
  /** Of the boot that the node is known to be in. */
  readonly bootId: string;
}

/** Why a report cannot be true, in words that say what to do; undefined if it can. */
export function doubtReport(claims: ReportClaims, bounds: ReportBounds): string | undefined {
  const { position, target, headSeq, bootId } = claims;
  const beyond = Object.entries({ position, target, head: headSeq }).find(([, seq]) => seq > bounds.offered);
  if (beyond !== undefined) {
    const [what, seq] = beyond;
    return `It reports ${what} #${seq}, but was given no entry after #${bounds.offered}: its agent is not to be trusted, look at the machine.`;
  }
  if (target < bounds.acknowledged) {
    return (
      `It acknowledged target #${bounds.acknowledged} and now reports #${target}, but targets only grow: ` +
      'if its state folder was restored from a backup, reboot it or enrol it again.'
    );
  }
  if (position > target) {
    return `It reports position #${position} beyond its target #${target}: its agent is not to be trusted, look at the machine.`;
  }
  if (bootId !== '' && bootId !== bounds.bootId) {
    return `It reports from boot ${bootId}, but said hello from boot ${bounds.bootId}: restart its agent.`;
  }
  return undefined;
}
