// SPDX-License-Identifier: GPL-2.0-only
import { NativeSelect } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { RolloutMessage, RolloutStatus } from '../api/schemas';
import { useCensus } from '../clusters/census';
import { numberWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { OlderOnes } from '../display/older-ones';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ProblemNote } from '../display/problem-note';
import { StateMark } from '../display/state-mark';
import { rolloutStatuses, rolloutWord, rolloutWords } from '../display/tones';
import { useUrlState } from '../display/url-state';
import { Ago } from '../time/ago';
import { rolloutPagesKey, useLiveRollouts } from './live-rollouts';
import { StartRollout } from './start-rollout';
import './rollouts.css';

const pageSize = 50;

interface Filters {
  readonly cluster: string;
  readonly status: RolloutStatus | undefined;
}

function useRolloutPages({ cluster, status }: Filters) {
  const { isLive } = useLiveRollouts();
  return useInfiniteQuery({
    queryKey: [...rolloutPagesKey, { cluster, status, pageSize }],
    queryFn: async ({ pageParam, signal }) => {
      const query = {
        ...(cluster === '' ? {} : { cluster }),
        ...(status === undefined ? {} : { status }),
        ...(pageParam === '' ? {} : { pageToken: pageParam }),
      };
      return answerOf(api.GET('/v1/rollouts', { signal, params: { query: { ...query, pageSize } } }));
    },
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
    select: ({ pages }) => pages.flatMap(({ rollouts }) => rollouts ?? []),
    placeholderData: keepPreviousData,
    refetchInterval: isLive ? false : refreshMs,
  });
}

function Row({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const { id = '', cluster, toSeq = 0, status, nodesThere = 0, nodeCount = 0, startedAt, endedAt } = rollout;
  return (
    <tr>
      <td>
        <Link to={`/rollouts/${id}`}>
          {cluster} to {toSeq}
        </Link>
      </td>
      <td>
        <StateMark state={rolloutWord(status)} />
      </td>
      <td className="number">
        {numberWords(nodesThere)} of {numberWords(nodeCount)}
      </td>
      <td>
        <Ago at={startedAt} />
      </td>
      <td>
        <Ago at={endedAt} never="not yet" />
      </td>
      <td>
        <code className="dim">{id.slice(0, 8)}</code>
      </td>
    </tr>
  );
}

export function RolloutsPage(): ReactElement {
  const { values, set } = useUrlState(['cluster', 'status']);
  const census = useCensus();
  const status = rolloutStatuses.find((each) => each === values.status);
  const pages = useRolloutPages({ cluster: values.cluster, status });
  const rollouts = pages.data ?? [];
  return (
    <>
      <PageHead
        title="Rollouts"
        summary="Moving a cluster's nodes to a position of its load order, wave by wave."
        actions={<StartRollout clusters={census.data} />}
      />
      <div className="filters" role="search" aria-label="Filter the rollouts">
        <NativeSelect
          label="Cluster"
          value={values.cluster}
          data={[{ value: '', label: 'all' }, ...(census.data ?? []).map(({ cluster }) => cluster)]}
          onChange={({ currentTarget }) => {
            set({ cluster: currentTarget.value });
          }}
        />
        <NativeSelect
          label="State"
          value={values.status}
          data={[
            { value: '', label: 'all' },
            ...rolloutStatuses
              .filter((each) => each !== 'ROLLOUT_STATUS_UNSPECIFIED')
              .map((each) => ({ value: each, label: rolloutWords[each].word })),
          ]}
          onChange={({ currentTarget }) => {
            set({ status: currentTarget.value });
          }}
        />
      </div>
      <ProblemNote error={pages.error} what="The rollouts are not shown as they are now" />
      <Panel title="Newest first" flush>
        {pages.data !== undefined && rollouts.length === 0 ? (
          <NothingHere title="There is no such rollout." />
        ) : (
          <div className="rows-scroll">
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Rollout</th>
                  <th scope="col">State</th>
                  <th scope="col" className="number">
                    Nodes there
                  </th>
                  <th scope="col">Started</th>
                  <th scope="col">Ended</th>
                  <th scope="col">Id</th>
                </tr>
              </thead>
              <tbody>
                {rollouts.map((rollout) => (
                  <Row key={rollout.id} rollout={rollout} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        <OlderOnes pages={pages} />
      </Panel>
    </>
  );
}
