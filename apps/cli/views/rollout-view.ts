// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type NodeProgress, type Rollout, type RolloutWaiting } from '@lockstep/contracts/generated';
import { counted, visibleLine } from '@lockstep/domain/visible-text';
import { enumWord, toDocument } from '../document';
import { approvalLines } from './approvals-view';
import { emergencyLines } from './emergency-view';
import { showHere } from '../local-time';
import { showTime, table } from '../table';

export const rolloutStatusWord = (status: RolloutStatus): string => enumWord(RolloutStatus, 'ROLLOUT_STATUS_', status);

export const hasSucceeded = (rollout: Rollout): boolean => rollout.status === RolloutStatus.ROLLOUT_STATUS_SUCCEEDED;

export const rolloutDocument = (rollout: Rollout): object => ({
  ...(toDocument(rollout) as object),
  status: rolloutStatusWord(rollout.status),
});

/** As lists tell it: neither its nodes nor its caveats. */
export function rolloutSummaryDocument(rollout: Rollout): object {
  const told = Object.entries(rolloutDocument(rollout)).filter(([name]) => name !== 'nodes' && name !== 'caveats');
  return Object.fromEntries(told);
}

/** Names in one line; the table has all of them. */
const mostShown = 10;

export const waveName = ({ wave, late }: NodeProgress): string =>
  late ? 'late' : wave === 0 ? 'canary' : `wave ${wave}`;

/** A node's place in a rollout as a line: `n2 (wave 1): at 1, moving: On its way.` */
export function nodeLine(progress: NodeProgress): string {
  const { node, position, notYet } = progress;
  const state = notYet === undefined ? 'there' : `${notYet.reason}: ${notYet.message}`;
  return visibleLine(`${node} (${waveName(progress)}): at ${position}, ${state}`);
}

/** `Waits for n3 (disconnected since …).`; nothing of a rollout that waits for nobody. */
function waitLine({ nodes, status }: Rollout): string {
  if (status !== RolloutStatus.ROLLOUT_STATUS_RUNNING) return '';
  const awaited = nodes.filter(({ awaited: isAwaited }) => isAwaited);
  const shown = awaited.slice(0, mostShown).map(({ node, notYet, since }) => {
    return `${node} (${notYet?.reason ?? ''}${since === undefined ? '' : ` since ${showTime(since)}`})`;
  });
  if (shown.length === 0) return '';
  const more = awaited.length - shown.length;
  return `\nWaits for ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}.`;
}

/** A window's opening by the clocks of whoever reads; it is told by the window's own too. */
function untilText({ reason, until }: RolloutWaiting): string {
  if (until === undefined) return '';
  return reason === 'window' ? ` Here that is ${showHere(until)}.` : ` Until ${showTime(until)} at the latest.`;
}

/** What a rollout waits for, and until when. */
export const waitingLine = (waiting: RolloutWaiting): string => visibleLine(`${waiting.message}${untilText(waiting)}`);

/** Why it halted, until when it waits, and of one that is done who is not there. */
function stateLines({ id, status, halt, waiting, nodes, rollsBack }: Rollout): string[] {
  const lines = rollsBack === undefined ? [] : [`It rolls back rollout ${rollsBack}.`];
  if (halt !== undefined) {
    const next =
      halt.reason === 'retired'
        ? `Start one to the head, or undo it: lockstep rollout rollback ${id}`
        : `To go on despite it: lockstep rollout resume ${id} --reason TEXT`;
    lines.push(`Halted: ${halt.message} ${next}`);
  }
  if (waiting !== undefined) {
    lines.push(waitingLine(waiting));
  }
  if (status === RolloutStatus.ROLLOUT_STATUS_SUCCEEDED) {
    const exceptions = nodes.flatMap(({ node, notYet }) =>
      notYet === undefined ? [] : [`${node} (${notYet.reason})`],
    );
    const shown = exceptions.slice(0, mostShown).join(', ');
    const more = exceptions.length - mostShown;
    if (exceptions.length > 0) lines.push(`Done but for ${shown}${more > 0 ? ` and ${more} more` : ''}.`);
  }
  return lines;
}

/** `wave 1: 3 of 5 there, 1 on its way, 1 failed; halts at the 2nd failure`. */
export function waveLines({ waves }: Rollout): string[] {
  return waves.map(({ planned, there, moving, failures, allowedFailures, atOnce, left = 0 }, wave) => {
    const limits = allowedFailures < planned ? `; halts at failure ${allowedFailures + 1} of ${planned}` : '';
    const budget = atOnce < planned ? `, ${atOnce} at once` : '';
    const name = wave === 0 ? 'canaries' : `wave ${wave}`;
    const gone = left > 0 ? `, ${left} have left` : '';
    return `${name}: ${there} of ${planned} there, ${moving} on their way, ${failures} failed${gone}${budget}${limits}`;
  });
}

/** What a wave has to pass besides staying well. */
export const probeLines = ({ probes, gates }: Rollout): string[] => [
  ...(probes.length === 0 ? [] : [visibleLine(`Probed before each load and after it: ${probes.join(', ')}`)]),
  ...gates.map((gate) => visibleLine(`Has to hold while a wave proves itself: ${gate}`)),
];

/** `zone=a: 40 nodes, 2 at once: 1 on their way, 1 failed`; and who may be a canary. */
export function spreadLines({ canarySelector, domains }: Rollout): string[] {
  const chosen = canarySelector === undefined ? [] : [`The canaries are of those with ${canarySelector}.`];
  const lines = domains.map(({ name, nodes, atMost, moving, failures }) => {
    const state = moving + failures === 0 ? '' : `: ${moving} on their way, ${failures} failed`;
    return `${name}: ${counted(nodes, 'node')}, at most ${atMost} at once${state}`;
  });
  return [...chosen, ...lines].map(visibleLine);
}

const orderLines = ({ orders }: Rollout): string[] =>
  orders.map(({ kind, reason, nodes, givenAt, givenBy }) => {
    const by = givenBy === '' ? '' : ` by ${givenBy}`;
    const whom = nodes.length === 0 ? '' : ` ${nodes.join(' ')}`;
    return visibleLine(`${showTime(givenAt)} ${kind}${whom}${by}${reason === '' ? '' : `: ${reason}`}`);
  });

/** What to know of the way there, a line each. */
export const caveatLines = ({ caveats }: Rollout): string[] =>
  caveats.map(({ seq, patchName, caveat }) =>
    visibleLine(`${caveat?.kind ?? 'note'}: ${patchName} (#${seq}): ${caveat?.message ?? ''}`),
  );

/** Of nodes that are not there yet. */
const obstacleLines = ({ nodes }: Rollout): string[] =>
  nodes.flatMap(({ node, notYet, obstacles }) =>
    notYet === undefined ? [] : obstacles.map((each) => visibleLine(`${node} may be held up: ${each}`)),
  );

export function rolloutText(rollout: Rollout): string {
  const there = rollout.nodes.filter(({ notYet }) => notYet === undefined).length;
  const head =
    `Rollout ${rollout.id} of ${rollout.cluster} to position ${rollout.toSeq}: ${rolloutStatusWord(rollout.status)}, ` +
    `${there}/${counted(rollout.nodes.length, 'node')} there`;
  const rows = rollout.nodes.map((progress) => [
    progress.node,
    waveName(progress),
    String(progress.position),
    progress.notYet === undefined ? 'there' : progress.notYet.reason,
    showTime(progress.since),
    progress.notYet?.message ?? '',
  ]);
  const nodes = table(['NODE', 'WAVE', 'POSITION', 'STATE', 'SINCE', 'REASON'], rows, 'No nodes.');
  const lines = [
    ...emergencyLines(rollout),
    ...stateLines(rollout),
    ...approvalLines(rollout),
    ...caveatLines(rollout),
    ...obstacleLines(rollout),
    ...waveLines(rollout),
    ...probeLines(rollout),
    ...spreadLines(rollout),
    ...orderLines(rollout),
  ];
  return `${head}${waitLine(rollout)}${lines.map((line) => `\n${line}`).join('')}\n\n${nodes}`;
}

export const rolloutTable = (rollouts: readonly Rollout[]): string =>
  table(
    ['ROLLOUT', 'CLUSTER', 'TO', 'STATUS', 'THERE', 'STARTED', 'ENDED'],
    rollouts.map((rollout) => [
      rollout.id,
      rollout.cluster,
      `#${rollout.toSeq}`,
      `${rolloutStatusWord(rollout.status)}${rollout.emergency?.confirmedBy === '' ? ', unconfirmed emergency' : ''}`,
      `${rollout.nodesThere}/${rollout.nodeCount}`,
      showTime(rollout.startedAt),
      showTime(rollout.endedAt),
    ]),
    'No rollouts.',
  );
