// SPDX-License-Identifier: GPL-2.0-only
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import { NothingHere } from '../display/nothing-here';
import { OlderOnes } from '../display/older-ones';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ProblemNote } from '../display/problem-note';
import { StateMark } from '../display/state-mark';
import { Ago } from '../time/ago';
import { campaignWord } from './campaign';
import { StartCampaign } from './start-campaign';
import './campaigns.css';

const pageSize = 50;

const useCampaigns = () =>
  useInfiniteQuery({
    queryKey: ['campaigns', { pageSize }],
    queryFn: ({ pageParam, signal }) => {
      const query = { pageSize, ...(pageParam === '' ? {} : { pageToken: pageParam }) };
      return answerOf(api.GET('/v1/campaigns', { signal, params: { query } }));
    },
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
    select: ({ pages }) => pages.flatMap(({ campaigns }) => campaigns ?? []),
    placeholderData: keepPreviousData,
    refetchInterval: refreshMs,
  });

export function CampaignsPage(): ReactElement {
  const pages = useCampaigns();
  const campaigns = pages.data ?? [];
  return (
    <>
      <PageHead
        title="Campaigns"
        summary="One patch for several clusters and kernels, with one plan, one approval and one report."
        actions={<StartCampaign />}
      />
      <ProblemNote error={pages.error} what="The campaigns are not shown as they are now" />
      <Panel title="Newest first" flush>
        {pages.data !== undefined && campaigns.length === 0 ? (
          <NothingHere title="There is no campaign yet.">
            It builds what is not built, orders the patch in each load order, and begins their rollouts one after the
            other.
          </NothingHere>
        ) : (
          <div className="rows-scroll">
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Patch</th>
                  <th scope="col">State</th>
                  <th scope="col">By</th>
                  <th scope="col">Started</th>
                  <th scope="col">Ended</th>
                  <th scope="col">Id</th>
                </tr>
              </thead>
              <tbody>
                {campaigns.map(({ id = '', patchName, status, author, startedAt, endedAt }) => (
                  <tr key={id}>
                    <td>
                      <Link to={`/campaigns/${id}`}>{patchName}</Link>
                    </td>
                    <td>
                      <StateMark state={campaignWord(status)} />
                    </td>
                    <td>{author}</td>
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
