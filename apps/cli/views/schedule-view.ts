// SPDX-License-Identifier: GPL-2.0-only
import type { Freeze, PlannedGate, Window } from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { showDuration } from '../duration';
import { showHere } from '../local-time';
import { showTime, table } from '../table';

const allNodes = '(all)';

/** When it opens next is told by the clocks of whoever reads. */
export const windowTable = (windows: readonly Window[]): string =>
  table(
    ['WINDOW', 'CLUSTER', 'NODES', 'ZONE', 'DAYS', 'START', 'LENGTH', 'CUTOFF', 'OPENS HERE', 'LAST START HERE'],
    windows.map(({ name, cluster, selector, zone, days, start, lengthSeconds, cutoffSeconds, opensAt, closesAt }) => [
      ...[name, cluster, selector === '' ? allNodes : selector, zone, days.join(','), start],
      ...[showDuration(lengthSeconds * 1_000), cutoffSeconds === 0 ? '-' : showDuration(cutoffSeconds * 1_000)],
      ...[opensAt, closesAt].map((time) => (time === undefined ? '-' : showHere(time))),
    ]),
    'No windows: loads may begin at any time.',
  );

export const freezeTable = (freezes: readonly Freeze[]): string =>
  table(
    ['FREEZE', 'CLUSTER', 'NODES', 'FROM', 'UNTIL', 'REASON'],
    freezes.map(({ name, cluster, selector, from, until, reason }) => [
      ...[name, cluster === '' ? allNodes : cluster, selector === '' ? allNodes : selector],
      ...[showTime(from), showTime(until), reason],
    ]),
    'No freezes.',
  );

/** `3 nodes (web-1, web-2 …) may begin from 2026-11-29 02:00 (Europe/Berlin): window "night" opens …`; nothing where all may at any time. */
export function gateLines(gates: readonly PlannedGate[]): string[] {
  if (gates.every(({ opensAt, closesAt }) => opensAt === undefined && closesAt === undefined)) return [];
  return gates.map(({ nodes, first, closed, opensAt, closesAt }) => {
    const who = `${counted(nodes, 'node')} (${first.join(', ')}${nodes > first.length ? ' …' : ''})`;
    if (opensAt !== undefined) return visibleLine(`${who} may begin from ${showHere(opensAt)}: ${closed}.`);
    return visibleLine(`${who} may begin now${closesAt === undefined ? '' : `, until ${showHere(closesAt)}`}.`);
  });
}
