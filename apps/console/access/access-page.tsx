// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { answerOf, api, doneBy } from '../api/client';
import type { Schemas } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { Icon } from '../display/icon';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ReasonDialog } from '../display/reason-dialog';
import { StateMark } from '../display/state-mark';
import { Tabs } from '../display/tabs';
import { useUrlState } from '../display/url-state';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';
import { NewToken } from './new-token';
import { roleWord } from './roles';
import { RolesPanel } from './roles-panel';

type Token = Schemas['AccessToken'];

const whereOf = ({ scope }: Token): string => {
  const clusters = scope?.everywhere === true ? 'everywhere' : (scope?.clusters ?? []).join(', ');
  return [clusters, ...(scope?.selector ? [`(${scope.selector})`] : [])].join(' ');
};

function Row({ token, onRevoke }: { readonly token: Token; readonly onRevoke: () => void }): ReactElement {
  const { name, owner, ownerKind, roles = [], createdAt, createdBy, expiresAt, lastUsedAt, revokedAt } = token;
  return (
    <tr>
      <td className="wrap-anywhere">{name}</td>
      <td>
        {owner} {ownerKind === 'OWNER_KIND_SERVICE' && <span className="tag">service</span>}
      </td>
      <td>
        {roles.map(roleWord).join(', ')} <span className="dim">{whereOf(token)}</span>
      </td>
      <td className="nowrap">
        <Ago at={lastUsedAt} />
      </td>
      <td className="nowrap">
        <Ago at={expiresAt} />
      </td>
      <td className="nowrap" title={createdBy}>
        <Ago at={createdAt} />
      </td>
      <td>
        {revokedAt === undefined ? (
          <ActionButton label="Revoke" onClick={onRevoke} />
        ) : (
          <StateMark state={{ tone: 'idle', icon: 'lock', word: 'revoked' }} />
        )}
      </td>
    </tr>
  );
}

const views = [
  { id: 'good', name: 'Good' },
  { id: 'sessions', name: 'Sessions' },
  { id: 'revoked', name: 'Revoked' },
  { id: 'all', name: 'All' },
] as const;
type View = (typeof views)[number]['id'];

const isOf: Readonly<Record<View, (token: Token) => boolean>> = {
  good: () => true,
  sessions: ({ session }) => session === true,
  revoked: ({ revokedAt }) => revokedAt !== undefined,
  all: () => true,
};

function Tokens({ view }: { readonly view: View }): ReactElement {
  const client = useQueryClient();
  const [revoking, setRevoking] = useState('');
  const query = useQuery({
    queryKey: ['tokens', view],
    queryFn: async ({ signal }) => {
      const query = { all: view === 'all' || view === 'revoked', sessions: view !== 'good' };
      const { tokens = [] } = await answerOf(api.GET('/v1/access/tokens', { signal, params: { query } }));
      return tokens.filter(isOf[view]);
    },
  });
  return (
    <Awaited query={query}>
      {(tokens) => (
        <>
          {tokens.length === 0 && <NothingHere title="There is no such token." />}
          <div className="rows-scroll">
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Token</th>
                  <th scope="col">Owner</th>
                  <th scope="col">May</th>
                  <th scope="col">Used</th>
                  <th scope="col">Expires</th>
                  <th scope="col">Made</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {tokens.map((token) => (
                  <Row
                    key={`${token.name ?? ''} ${token.createdAt ?? ''}`}
                    token={token}
                    onRevoke={() => {
                      setRevoking(token.name ?? '');
                    }}
                  />
                ))}
              </tbody>
            </table>
          </div>
          {revoking !== '' && (
            <ReasonDialog
              title={`Revoke ${revoking}`}
              confirm="Revoke"
              isDangerous
              act={async () => {
                await doneBy(api.DELETE('/v1/access/tokens/{name}', { params: { path: { name: revoking } } }));
                await client.invalidateQueries({ queryKey: ['tokens'] });
              }}
              onClose={() => {
                setRevoking('');
              }}
            >
              It is good for nothing from now on, and calls that are under way with it end.
            </ReasonDialog>
          )}
        </>
      )}
    </Awaited>
  );
}

/** Who may what, by the tokens they have. */
export function AccessPage(): ReactElement {
  const session = useSession();
  const forbidden = whyNot(session, 'grant');
  const { values, set } = useUrlState(['show']);
  const view = views.find(({ id }) => id === values.show)?.id ?? 'good';
  return (
    <>
      <PageHead
        title="Access"
        summary="Whoever has a token may what its roles say, where its scope says. A session is a token, too."
        actions={<NewToken whyNot={forbidden} />}
      />
      <div className="stacked">
        {forbidden !== undefined ? (
          <div className="note tone-warn">
            <Icon name="lock" />
            <div>{forbidden}</div>
          </div>
        ) : (
          <Panel
            title="Tokens"
            flush
            aside={
              <Tabs
                label="Tokens to show"
                chosen={view}
                choices={views}
                onChoose={(show) => {
                  set({ show: show === 'good' ? '' : show });
                }}
              />
            }
          >
            <Tokens view={view} />
          </Panel>
        )}
        <RolesPanel own={session.identity.roles} />
      </div>
    </>
  );
}
