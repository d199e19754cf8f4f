// SPDX-License-Identifier: GPL-2.0-only
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { NodeMessage } from '../api/schemas';
import type { NodeQuery } from './node-filters';

const pageSize = 200;
/** Of each node only what a row shows. */
const readMask =
  'name,cluster,connected,kernelRelease,agentVersion,lastSeenAt,revokedAt,labels,report.status,report.position,report.target,report.problem';
/** Whoever has scrolled far sees what they have loaded refreshed less often: all of it is asked for again. */
const mostPagesRefreshed = 3;

export interface NodePages {
  readonly nodes: readonly NodeMessage[];
  readonly isKnown: boolean;
  readonly error: Error | null;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly loadMore: () => void;
}

const noNodes: readonly NodeMessage[] = [];

export function useNodePages(query: NodeQuery): NodePages {
  const asked = useInfiniteQuery({
    queryKey: ['nodes', query],
    queryFn: async ({ pageParam, signal }) =>
      answerOf(
        api.GET('/v1/nodes', {
          signal,
          params: { query: { ...query, pageSize, readMask, ...(pageParam === '' ? {} : { pageToken: pageParam }) } },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => nextPageToken,
    select: ({ pages }) => pages.flatMap(({ nodes }) => nodes ?? []),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= mostPagesRefreshed ? refreshMs : false),
  });
  return {
    nodes: asked.data ?? noNodes,
    isKnown: asked.data !== undefined,
    error: asked.error,
    hasMore: asked.hasNextPage,
    isLoadingMore: asked.isFetchingNextPage,
    loadMore: () => {
      asked.fetchNextPage().catch(() => undefined);
    },
  };
}
