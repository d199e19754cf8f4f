// SPDX-License-Identifier: GPL-2.0-only
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { NodeStatus } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { countWords } from '../display/counts';
import { Icon } from '../display/icon';
import { ProblemNote } from '../display/problem-note';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';
import type { Order } from './order';

const shown = 20;
const disputing = ['NODE_STATUS_FORKED', 'NODE_STATUS_AHEAD'] as const satisfies readonly NodeStatus[];

/** Names of the nodes that know another history than this log, by how they do. */
function useDisputing({
  cluster,
  kernelBuildId,
}: Order): Readonly<Record<(typeof disputing)[number], readonly string[]>> {
  const [forked, ahead] = useQueries({
    queries: disputing.map((status) => ({
      queryKey: ['nodes', 'disputing', cluster, kernelBuildId, status],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<readonly string[]> => {
        const query = { cluster, kernelBuildId, status, pageSize: shown, readMask: 'name' };
        const { nodes = [] } = await answerOf(api.GET('/v1/nodes', { signal, params: { query } }));
        return nodes.flatMap(({ name }) => name ?? []);
      },
      refetchInterval: refreshMs,
    })),
  });
  return { NODE_STATUS_FORKED: forked?.data ?? [], NODE_STATUS_AHEAD: ahead?.data ?? [] };
}

function Names({ names }: { readonly names: readonly string[] }): ReactElement {
  return (
    <>
      {names.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <Link to={`/nodes/${encodeURIComponent(name)}`}>{name}</Link>
        </span>
      ))}
    </>
  );
}

function Ahead({ order, names }: { readonly order: Order; readonly names: readonly string[] }): ReactElement {
  const { cluster, kernelBuildId } = order;
  const session = useSession();
  const client = useQueryClient();
  const recovery = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/v1/clusters/{cluster}/order/recoveries', { params: { path: { cluster } }, body: { kernelBuildId } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: ['order'] }),
  });
  return (
    <div className="note tone-warn">
      <Icon name="ahead" />
      <div className="stacked">
        <p>
          <strong>More than this log know {countWords(names.length, 'node')}:</strong> <Names names={names} />. What
          they know is signed by its key, so that this control plane has lost it: it was put back from an older backup.
        </p>
        <ActionButton
          label="Take the lost entries back"
          icon="back"
          whyNot={whyNot(session, 'order', cluster)}
          isBusy={recovery.isPending}
          onClick={() => {
            recovery.mutate();
          }}
        />
        {recovery.data !== undefined && (
          <p role="status">
            {countWords(recovery.data.entries?.length ?? 0, 'entry', 'entries')} taken back.{' '}
            {(recovery.data.lost ?? [])
              .map(({ seq, patchName }) => `Of ${seq} (${patchName ?? ''}) parts are lost.`)
              .join(' ')}
          </p>
        )}
        <ProblemNote error={recovery.error} what="Nothing was taken back" />
      </div>
    </div>
  );
}

/** Whom this log is believed by: how old its signed head is, and which nodes know another history. */
export function TrustPanel({ order }: { readonly order: Order }): ReactElement {
  const { NODE_STATUS_FORKED: forked, NODE_STATUS_AHEAD: ahead } = useDisputing(order);
  const { signedHead } = order;
  return (
    <>
      {forked.length > 0 && (
        <div className="note tone-bad">
          <Icon name="fork" />
          <p>
            <strong>Another history was offered to {countWords(forked.length, 'node')}:</strong>{' '}
            <Names names={forked} />. Nothing is taken from here there until this log extends what they know again:
            another control plane, or an old backup, spoke to them.
          </p>
        </div>
      )}
      {ahead.length > 0 && <Ahead order={order} names={ahead} />}
      {signedHead !== undefined && (
        <p className="dim signed-head">
          <Icon name="key" size={13} /> Its signed head: {signedHead.seq}, issued <Ago at={signedHead.issuedAt} />,
          expires <Ago at={signedHead.expiresAt} />. A node that hears no newer one by then raises the alarm.
        </p>
      )}
    </>
  );
}
