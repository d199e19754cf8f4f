// SPDX-License-Identifier: GPL-2.0-only
import { useQueries } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import type { NodeMessage, RolloutMessage } from '../api/schemas';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import { Icon } from '../display/icon';
import { byUrgency, isInTheWay } from './rollout';

/** Whoever has seen these knows what the others are about. */
const mostLookedAt = 5;

function Cause({ node, message }: { readonly node: NodeMessage; readonly message: string | undefined }): ReactElement {
  const { name = '', report } = node;
  const blockers = report?.lastTransition?.blockers ?? [];
  return (
    <li>
      <p>
        <Link to={`/nodes/${encodeURIComponent(name)}`}>{name}</Link> {message}
      </p>
      {blockers.map(({ pid, comm, function: at, heldBy }) => (
        <p key={pid} className="halt-blocker">
          held up by task <strong>{comm}</strong> ({pid}) in <code>{at}</code>
          {heldBy !== undefined && ` (${heldBy})`}
        </p>
      ))}
      {report?.trouble !== undefined && (
        <pre className="kernel-line" title={`The kernel's log: ${report.trouble.kind ?? ''}`}>
          {report.trouble.message}
        </pre>
      )}
    </li>
  );
}

/** Why a rollout goes no further: what halted it, which tasks are in the way, and what the kernels said. */
export function HaltNote({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { halt, status } = rollout;
  const inTheWay = byUrgency(rollout.nodes ?? [])
    .filter(isInTheWay)
    .slice(0, mostLookedAt);
  const looked = useQueries({
    queries: inTheWay.map(({ node = '' }) => ({
      queryKey: ['nodes', node],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<NodeMessage> =>
        (await answerOf(api.GET('/v1/nodes/{name}', { signal, params: { path: { name: node } } }))).node ?? {},
      refetchInterval: refreshMs,
    })),
  });
  const isHalted = status === 'ROLLOUT_STATUS_HALTED';
  if (!isHalted && inTheWay.length === 0) return null;
  return (
    <div className={`note halt-note tone-${isHalted ? 'bad' : 'warn'}`} role={isHalted ? 'alert' : 'note'}>
      <Icon name={isHalted ? 'halt' : 'warning'} size={18} />
      <div>
        <p className="halt-head">
          <strong>{isHalted ? 'Halted: nobody further starts.' : 'Some nodes do not get on.'}</strong> {halt?.message}
        </p>
        <ul className="halt-causes">
          {inTheWay.map(({ node = '', notYet }, index) => (
            <Cause key={node} node={looked[index]?.data ?? { name: node }} message={notYet?.message} />
          ))}
        </ul>
      </div>
    </div>
  );
}
