// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { useCensus, type OrderCensus } from '../clusters/census';
import { Awaited } from '../display/awaited';
import { countWords, numberWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { ShareBar } from '../display/share-bar';
import { StateMark } from '../display/state-mark';
import { useDraft } from '../load-order/draft';
import { useOrder } from '../load-order/order';
import { coverageOf } from './coverage';

/** As many are looked into; more are told by their number. */
const mostShown = 10;

interface InOrderProps {
  readonly patch: string;
  readonly cluster: string;
  readonly census: OrderCensus;
}

/** Of a load order that has not got it: what would be in its way. */
function NotThere({ patch, cluster, census }: InOrderProps): ReactElement {
  const { kernelBuildId, headSeq } = census;
  const { data } = useDraft({ cluster, kernelBuildId, patch, head: headSeq });
  const conflicts = data?.judged.conflicts?.length;
  const to = `/load-order?${new URLSearchParams({ cluster, kernel: kernelBuildId, draft: patch })}`;
  return (
    <p>
      <span className="dim">Not in its stack.</span>{' '}
      {conflicts !== undefined && (
        <StateMark
          state={
            conflicts === 0
              ? { tone: 'good', icon: 'check', word: 'nothing in its way' }
              : { tone: 'warn', icon: 'warning', word: countWords(conflicts, 'conflict') }
          }
        />
      )}{' '}
      <Link to={to}>Try it</Link>
    </p>
  );
}

function InOrder({ patch, cluster, census }: InOrderProps): ReactElement {
  const { kernelBuildId, kernelRelease, nodes } = census;
  const query = useOrder({ cluster, kernel: kernelBuildId });
  const coverage = query.data && coverageOf(query.data.entries, census, patch);
  const name = kernelRelease === '' ? kernelBuildId.slice(0, 12) : kernelRelease;
  return (
    <li>
      <p>
        <Link to={`/load-order?${new URLSearchParams({ cluster, kernel: kernelBuildId })}`}>{cluster}</Link>{' '}
        <span className="dim">{name}</span>
      </p>
      {coverage !== undefined && coverage.seq === undefined && coverage.holding > 0 && (
        <p>{countWords(coverage.holding, 'node')} before the entry that retires it hold it still.</p>
      )}
      {coverage?.seq === undefined ? (
        coverage !== undefined && <NotThere patch={patch} cluster={cluster} census={census} />
      ) : (
        <>
          <ShareBar
            of={nodes}
            parts={[
              { word: 'hold it', tone: 'good', count: coverage.holding },
              { word: 'do not yet', tone: 'idle', count: nodes - coverage.holding },
            ]}
          />
          <p>
            {numberWords(coverage.holding)} of {countWords(nodes, 'node')} hold it, as entry {coverage.seq}
          </p>
        </>
      )}
    </li>
  );
}

export interface CoveragePanelProps {
  readonly patch: string;
  /** It was built for these. */
  readonly kernels: ReadonlySet<string>;
}

/** Where it runs, and where it could. */
export function CoveragePanel({ patch, kernels }: CoveragePanelProps): ReactElement {
  const query = useCensus();
  return (
    <Panel title="Where it runs">
      <Awaited query={query}>
        {(clusters) => {
          const orders = clusters.flatMap(({ cluster, orders: all }) =>
            all.filter(({ kernelBuildId }) => kernels.has(kernelBuildId)).map((census) => ({ cluster, census })),
          );
          if (orders.length === 0)
            return <NothingHere title="No cluster has nodes of a kernel that it was built for." />;
          return (
            <ul className="coverage">
              {orders.slice(0, mostShown).map(({ cluster, census }) => (
                <InOrder key={`${cluster} ${census.kernelBuildId}`} patch={patch} cluster={cluster} census={census} />
              ))}
              {orders.length > mostShown && (
                <li className="dim">and {countWords(orders.length - mostShown, 'load order')} more</li>
              )}
            </ul>
          );
        }}
      </Awaited>
    </Panel>
  );
}
