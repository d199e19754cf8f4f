// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { Awaited } from '../display/awaited';
import { countWords, numberWords } from '../display/counts';
import { Icon } from '../display/icon';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ProblemNote } from '../display/problem-note';
import { ShareBar } from '../display/share-bar';
import { RolloutCard } from '../rollouts/rollout-card';
import { useOpenRollouts } from '../rollouts/rollout-list';
import { isInStep, useCensus, versionsOf, type ClusterCensus } from '../clusters/census';
import { Ago } from '../time/ago';
import { ClusterCard } from './cluster-card';
import { Lately } from './lately';
import './overview.css';

function Summary({ clusters }: { readonly clusters: readonly ClusterCensus[] }): ReactElement {
  const nodes = clusters.reduce((sum, census) => sum + census.nodes, 0);
  const connected = clusters.reduce((sum, census) => sum + census.connected, 0);
  const inStep = clusters.filter(isInStep).length;
  return (
    <>
      {numberWords(inStep)} of {countWords(clusters.length, 'cluster')} in step · {numberWords(connected)} of{' '}
      {countWords(nodes, 'node')} connected
    </>
  );
}

function UnderWay(): ReactElement {
  const { rollouts, error, isKnown } = useOpenRollouts();
  return (
    <Panel title="Under way" aside={rollouts.length > 0 && countWords(rollouts.length, 'rollout')}>
      <ProblemNote error={rollouts.length === 0 ? error : null} />
      {isKnown && rollouts.length === 0 && (
        <NothingHere title="No rollout is under way.">Nothing waits for anybody.</NothingHere>
      )}
      <ul className="rollout-cards">
        {rollouts.map((rollout) => (
          <RolloutCard key={rollout.id} rollout={rollout} />
        ))}
      </ul>
    </Panel>
  );
}

/** Emergencies for which a second person has still to answer. */
function Unconfirmed({ clusters }: { readonly clusters: readonly ClusterCensus[] }): ReactElement | null {
  const all = clusters.flatMap(({ cluster, unconfirmed }) => unconfirmed.map((one) => ({ ...one, cluster })));
  if (all.length === 0) return null;
  return (
    <Panel title="Broken glass" aside={`${countWords(all.length, 'emergency', 'emergencies')} to confirm`}>
      <ul className="unconfirmed">
        {all.map(({ id = '', by, reason, startedAt, cluster }) => (
          <li key={id}>
            <Icon name="warning" />
            <span>
              <Link to={`/rollouts/${id}`}>{cluster}</Link> by <strong>{by}</strong> <Ago at={startedAt} />: {reason}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Versions({ clusters }: { readonly clusters: readonly ClusterCensus[] }): ReactElement {
  const versions = versionsOf(clusters);
  const nodes = versions.reduce((sum, { nodes: count }) => sum + count, 0);
  return (
    <Panel title="Agents by version">
      {versions.length === 0 && <NothingHere title="No agent has connected yet." />}
      <ul className="versions">
        {versions.map(({ version, nodes: count }) => (
          <li key={version}>
            <span className="mono">{version === '' ? 'not told' : version}</span>
            <ShareBar
              of={nodes}
              parts={[
                { word: 'of this version', tone: 'busy', count },
                { word: 'of others', tone: 'idle', count: nodes - count },
              ]}
            />
            <span className="versions-count">{numberWords(count)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

/** Whether every host runs the same code, what is under way, and what waits for whom. */
export function OverviewPage(): ReactElement {
  const census = useCensus();
  return (
    <>
      <PageHead title="Overview" summary={census.data !== undefined && <Summary clusters={census.data} />} />
      <div className="panels panels-two">
        <div className="stacked">
          <Panel title="Clusters">
            <Awaited query={census}>
              {(clusters) =>
                clusters.length === 0 ? (
                  <NothingHere title="There is no cluster yet.">
                    <code>lockstep cluster create NAME</code> makes the first.
                  </NothingHere>
                ) : (
                  <ul className="cluster-cards">
                    {clusters.map((one) => (
                      <ClusterCard key={one.cluster} census={one} />
                    ))}
                  </ul>
                )
              }
            </Awaited>
          </Panel>
          {census.data !== undefined && <Versions clusters={census.data} />}
        </div>
        <div className="stacked">
          {census.data !== undefined && <Unconfirmed clusters={census.data} />}
          <UnderWay />
          <Lately />
        </div>
      </div>
    </>
  );
}
