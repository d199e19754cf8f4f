// SPDX-License-Identifier: GPL-2.0-only
import { createColumnHelper, tableFeatures } from '@tanstack/react-table';
import { Link } from 'react-router';
import type { NodeMessage } from '../api/schemas';
import { StateMark } from '../display/state-mark';
import { nodeWord, type StateWord } from '../display/tones';
import { Ago } from '../time/ago';

/** The control plane filters and pages, so the table itself needs to do neither. */
export const nodeFeatures = tableFeatures({});
const helper = createColumnHelper<typeof nodeFeatures, NodeMessage>();

const away: StateWord = { tone: 'warn', icon: 'silent', word: 'away' };
const revoked: StateWord = { tone: 'bad', icon: 'lock', word: 'revoked' };

const labelsOf = ({ labels }: NodeMessage): string[] =>
  Object.entries(labels ?? {}).map(([key, value]) => (value === '' ? key : `${key}=${value}`));

export const nodeColumns = helper.columns([
  helper.display({
    id: 'name',
    header: 'Node',
    cell: ({ row: { original } }) => (
      <Link to={`/nodes/${encodeURIComponent(original.name ?? '')}`}>{original.name}</Link>
    ),
  }),
  helper.display({
    id: 'state',
    header: 'State',
    cell: ({ row: { original } }) => (
      <span className="node-states">
        <StateMark state={nodeWord(original.report?.status)} />
        {original.revokedAt !== undefined && <StateMark state={revoked} />}
        {original.connected !== true && <StateMark state={away} />}
      </span>
    ),
  }),
  helper.display({
    id: 'position',
    header: 'Position',
    cell: ({
      row: {
        original: { report },
      },
    }) => {
      const { position = 0, target = 0 } = report ?? {};
      return target > position ? `${position} → ${target}` : position;
    },
  }),
  helper.display({ id: 'cluster', header: 'Cluster', cell: ({ row: { original } }) => original.cluster }),
  helper.display({ id: 'kernel', header: 'Kernel', cell: ({ row: { original } }) => original.kernelRelease }),
  helper.display({
    id: 'about',
    header: 'Problem or labels',
    cell: ({ row: { original } }) =>
      original.report?.problem?.message ?? <span className="dim">{labelsOf(original).join('  ')}</span>,
  }),
  helper.display({ id: 'agent', header: 'Agent', cell: ({ row: { original } }) => original.agentVersion }),
  helper.display({
    id: 'heard',
    header: 'Heard',
    // One that is connected is heard all the time.
    cell: ({ row: { original } }) =>
      original.connected === true ? <span className="dim">now</span> : <Ago at={original.lastSeenAt} />,
  }),
]);
