// SPDX-License-Identifier: GPL-2.0-only
import type { UndoneMember } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { describeEntry } from './order-view';

/** `web/0123456789ab: rollout … rolls it back (…)`, with what to type. */
export function undoneLine(member: UndoneMember): string {
  const place = `${member.cluster}/${member.kernelBuildId.slice(0, 12)}`;
  switch (member.outcome) {
    case 'begun': {
      const appended = member.entries.map((entry) => describeEntry(entry)).join('; ');
      const what = appended === '' ? 'all it had loaded was retired already' : appended;
      return visibleLine(`${place}: ${what}; rollout ${member.rolloutId} takes it back`);
    }
    case 'there':
      return visibleLine(`${place}: rollout ${member.rolloutId} takes it back already`);
    case 'never-begun':
      return member.seq === 0
        ? visibleLine(`${place}: nothing was ordered`)
        : visibleLine(
            `${place}: nothing was rolled out; lockstep order retire ${member.seq} --cluster ${member.cluster} takes the entry out`,
          );
    default:
      return visibleLine(`${place}: ${member.problem?.message ?? member.outcome}`);
  }
}

export const undoneText = (members: readonly UndoneMember[]): string =>
  [...members.map(undoneLine), 'Each rollout asks for the approvals of its cluster: lockstep rollout show ID'].join(
    '\n',
  );

export const undoneDocument = (campaign: string, members: readonly UndoneMember[]): object => ({
  campaign,
  members: members.map(({ entries, ...member }) => ({ ...member, entries: entries.map(({ seq }) => seq) })),
});
