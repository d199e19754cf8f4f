// SPDX-License-Identifier: GPL-2.0-only
import type { Emergency, Rollout, UnconfirmedRollout } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { showTime } from '../table';

/** How the time is kept. */
export const emergencyRule =
  'Emergency: windows, approvals and bake time are skipped. Each wave opens as soon as the one before is there, nobody is waited for ' +
  'longer than half an hour, and three hours after it began it halts.';

const asksFor = (id: string): string => `Nobody else has confirmed it: lockstep rollout confirm ${id}`;

const confirmedText = ({ confirmedBy, confirmedAt, confirmation }: Emergency): string =>
  `Confirmed by ${confirmedBy}, ${showTime(confirmedAt)}${confirmation === '' ? '' : `: ${confirmation}`}.`;

/** Who broke the glass and why, and whether somebody else has confirmed it. */
export function emergencyLines({ id, emergency }: Rollout): string[] {
  if (emergency === undefined || id === '') return [];
  const { by, reason, confirmedBy, until } = emergency;
  const limit = until === undefined ? '' : ` Its time ends ${showTime(until)}.`;
  return [
    visibleLine(`EMERGENCY: ${by} broke the glass: ${reason}${limit}`),
    visibleLine(confirmedBy === '' ? asksFor(id) : confirmedText(emergency)),
  ];
}

/** Of a cluster: each emergency that nobody else has confirmed. */
export const unconfirmedLines = (unconfirmed: readonly UnconfirmedRollout[]): string[] =>
  unconfirmed.map(({ id, by, reason, startedAt }) =>
    visibleLine(
      `UNCONFIRMED EMERGENCY: ${by} broke the glass for rollout ${id}, ${showTime(startedAt)}: ${reason} ${asksFor(id)}`,
    ),
  );
