// SPDX-License-Identifier: GPL-2.0-only
import type { RecoverOrderResponse } from '@lockstep/contracts/generated';
import { toDocument } from '../document';
import { shortId, table } from '../table';
import { describeEntry, entryDocument } from './order-view';

export const recoveryDocument = ({ entries, nodes, lost }: RecoverOrderResponse): object => ({
  entries: entries.map(entryDocument),
  nodes,
  lost: toDocument(lost),
});

const lossTable = (lost: RecoverOrderResponse['lost']): string =>
  table(
    ['SEQ', 'PATCH', 'ID', 'MODULE', 'DIFF'],
    lost.map(({ seq, patchName, patchId, module, diff }) => [
      `#${seq}`,
      patchName,
      shortId(patchId),
      module ? 'lost' : 'here',
      diff ? 'lost' : 'here',
    ]),
    '',
  );

/** What came back, and what did not and so must be submitted again. */
export function recoveryText({ entries, nodes, lost }: RecoverOrderResponse): string {
  if (entries.length === 0) return 'Nothing was lost: all that the nodes hold is here.';
  const lines = [`Recovered from ${nodes.join(', ')}:`, ...entries.map((entry) => `  ${describeEntry(entry)}`)];
  if (lost.length === 0) return lines.join('\n');
  return [
    ...lines,
    '',
    'Nodes do not hold all that an entry needs. Submit these diffs again, exactly as they were (patch submit); a build',
    'makes the same module of the same diff:',
    lossTable(lost),
  ].join('\n');
}
