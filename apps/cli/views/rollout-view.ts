// SPDX-License-Identifier: GPL-2.0-only
import { RolloutStatus, type NodeProgress, type Rollout } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { enumWord, toDocument } from '../document';
import { showTime, table } from '../table';

export const rolloutStatusWord = (status: RolloutStatus): string => enumWord(RolloutStatus, 'ROLLOUT_STATUS_', status);

export const hasEnded = (rollout: Rollout): boolean => rollout.status !== RolloutStatus.ROLLOUT_STATUS_RUNNING;

export const hasSucceeded = (rollout: Rollout): boolean => rollout.status === RolloutStatus.ROLLOUT_STATUS_SUCCEEDED;

export const rolloutDocument = (rollout: Rollout): object => ({
  ...(toDocument(rollout) as object),
  status: rolloutStatusWord(rollout.status),
});

/** Names in one line; the table has all of them. */
const mostShown = 10;

const waveName = (wave: number): string => (wave === 0 ? 'canary' : `wave ${wave}`);

/** A node's place in a rollout as a line: `n2 (wave 1): at 1, moving: On its way.` */
export function nodeLine({ node, wave, position, notYet }: NodeProgress): string {
  const state = notYet === undefined ? 'there' : `${notYet.reason}: ${notYet.message}`;
  return visibleLine(`${node} (${waveName(wave)}): at ${position}, ${state}`);
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
    `${there}/${rollout.nodes.length} nodes there`;
  const rows = rollout.nodes.map(({ node, wave, position, notYet, since }) => [
    node,
    waveName(wave),
    String(position),
    notYet === undefined ? 'there' : notYet.reason,
    showTime(since),
    notYet?.message ?? '',
  ]);
  const nodes = table(['NODE', 'WAVE', 'POSITION', 'STATE', 'SINCE', 'REASON'], rows, 'No nodes.');
  const caveats = [...caveatLines(rollout), ...obstacleLines(rollout)].map((line) => `\n${line}`);
  return `${head}${waitLine(rollout)}${caveats.join('')}\n\n${nodes}`;
}

export const rolloutTable = (rollouts: readonly Rollout[]): string =>
  table(
    ['ROLLOUT', 'CLUSTER', 'TO', 'STATUS', 'THERE', 'STARTED', 'ENDED'],
    rollouts.map((rollout) => [
      rollout.id,
      rollout.cluster,
      `#${rollout.toSeq}`,
      rolloutStatusWord(rollout.status),
      `${rollout.nodes.filter(({ notYet }) => notYet === undefined).length}/${rollout.nodes.length}`,
      showTime(rollout.startedAt),
      showTime(rollout.endedAt),
    ]),
    'No rollouts.',
  );
