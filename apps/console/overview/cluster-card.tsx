// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { countWords, numberWords } from '../display/counts';
import { Icon } from '../display/icon';
import { ShareBar } from '../display/share-bar';
import { StateMark } from '../display/state-mark';
import { nodeWord, type StateWord } from '../display/tones';
import { Ago } from '../time/ago';
import { isInStep, type ClusterCensus, type OrderCensus } from '../clusters/census';

const inStep: StateWord = { tone: 'good', icon: 'check', word: 'in step' };
const notInStep: StateWord = { tone: 'warn', icon: 'warning', word: 'not in step' };
const empty: StateWord = { tone: 'idle', icon: 'silent', word: 'no nodes' };

function stateOf(census: ClusterCensus): StateWord {
  if (census.nodes === 0) return empty;
  return isInStep(census) ? inStep : notInStep;
}

function Order({ cluster, order }: { readonly cluster: string; readonly order: OrderCensus }): ReactElement {
  const { kernelBuildId, kernelRelease, headSeq, headAt, headSignedAt, nodes, atHead, positions } = order;
  const elsewhere = positions.filter(({ position }) => position !== headSeq);
  const query = new URLSearchParams({ cluster, kernel: kernelBuildId });
  return (
    <li className="cluster-order">
      <Link to={`/load-order?${query}`} title={`Kernel build ${kernelBuildId}`}>
        {kernelRelease === '' ? kernelBuildId.slice(0, 12) : kernelRelease}
      </Link>
      <span>
        {headSeq === 0 ? (
          'nothing loaded yet'
        ) : (
          <>
            {numberWords(atHead)} of {countWords(nodes, 'node')} at head <strong>{headSeq}</strong>, appended{' '}
            <Ago at={headAt} />
          </>
        )}
        {headSeq > 0 && (
          <span className="dim">
            {' '}
            ·{' '}
            {headSignedAt === undefined ? (
              'not signed: its key is not here'
            ) : (
              <>
                signed head from <Ago at={headSignedAt} />
              </>
            )}
          </span>
        )}
        {headSeq > 0 && elsewhere.length > 0 && (
          <span className="dim">
            {' '}
            · {elsewhere.map(({ position, nodes: count }) => `${numberWords(count)} at ${position}`).join(', ')}
          </span>
        )}
      </span>
    </li>
  );
}

/** One cluster: whether all its nodes run the same code, and how they are. */
export function ClusterCard({ census }: { readonly census: ClusterCensus }): ReactElement {
  const { cluster, nodes, connected, statuses, orders, headOverdue } = census;
  const away = nodes - connected;
  const parts = statuses.map(({ status, nodes: count }) => ({ ...nodeWord(status), status, count }));
  return (
    <li className="cluster-card">
      <div className="cluster-card-head">
        <h3>
          <Link to={`/nodes?${new URLSearchParams({ cluster })}`}>{cluster}</Link>
        </h3>
        <StateMark state={stateOf(census)} />
        <span className="dim cluster-card-nodes">{countWords(nodes, 'node')}</span>
      </div>
      {nodes > 0 && <ShareBar parts={parts} of={nodes} />}
      {nodes > 0 && (
        <p className="cluster-card-states">
          {parts.map(({ status, word, count, tone }) => (
            <Link
              key={status}
              className={`state-count tone-${tone}`}
              to={`/nodes?${new URLSearchParams({ cluster, status })}`}
            >
              {numberWords(count)} {word}
            </Link>
          ))}
          {away > 0 && (
            <Link className="state-count tone-warn" to={`/nodes?${new URLSearchParams({ cluster, connected: 'no' })}`}>
              {numberWords(away)} away
            </Link>
          )}
        </p>
      )}
      {headOverdue > 0 && (
        <p className="note tone-warn cluster-card-note">
          <Icon name="warning" />
          <span>
            For a day no end of the load order has reached {countWords(headOverdue, 'connected node')}: it may be
            withheld there.
          </span>
        </p>
      )}
      <ul className="cluster-orders">
        {orders.map((order) => (
          <Order key={order.kernelBuildId} cluster={cluster} order={order} />
        ))}
      </ul>
    </li>
  );
}
