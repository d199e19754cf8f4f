// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type Rollout } from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { showTime, table } from '../table';

const hasEnded: ReadonlySet<RolloutStatus> = new Set([
  RolloutStatus.ROLLOUT_STATUS_SUCCEEDED,
  RolloutStatus.ROLLOUT_STATUS_ABORTED,
  RolloutStatus.ROLLOUT_STATUS_SUPERSEDED,
]);

/** How the approvals of a rollout stand, and what to type; nothing where none are needed. */
export function approvalLines({ id, status, approvals }: Rollout): string[] {
  if (approvals === undefined) return [];
  const { needed, given, author, planHash, begun, approvers } = approvals;
  const whose = approvers.length === 0 ? '' : ` of ${approvers.join(', ')}`;
  if (begun)
    return [
      visibleLine(
        `Approved by ${counted(given, 'person', 'people')}${whose}; it needed ${needed}, and was asked for by ${author}.`,
      ),
    ];
  const line = `Approvals: ${given} of ${needed}${whose}, never of ${author}, who asked for it.`;
  if (id === '' || given >= needed || hasEnded.has(status)) return [visibleLine(line)];
  return [visibleLine(`${line} To approve this plan: lockstep rollout approve ${id} --plan ${planHash}`)];
}

export function approvalsText(rollout: Rollout): string {
  const rows = (rollout.approvals?.all ?? []).map(({ by, givenAt, expiresAt, ofThisPlan }) => [
    ...[by, showTime(givenAt), showTime(expiresAt), ofThisPlan ? 'this' : 'another: it counts for nothing'],
  ]);
  const lines = approvalLines(rollout);
  if (lines.length === 0) return "Nobody's approval is needed.";
  return `${lines.join('\n')}\n\n${table(['BY', 'GIVEN', 'EXPIRES', 'PLAN'], rows, 'Nobody has approved yet.')}`;
}
