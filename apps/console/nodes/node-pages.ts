// SPDX-License-Identifier: GPL-2.0-only
import {
  infiniteQueryOptions,
  keepPreviousData,
  useInfiniteQuery,
  useQueryClient,
  type InfiniteData,
} from '@tanstack/react-query';
import { useRef } from 'react';
import { answerOf, api } from '../api/client';
import { useLiveEvents } from '../api/live-events';
import { queryClient, refreshMs } from '../api/queries';
import type { NodeMessage } from '../api/schemas';
import type { NodeQuery } from './node-filters';
import { revisionOf, withNews, type NodesNews, type NodesPage } from './node-news';

const pageSize = 200;
/** Of each node only what a row shows. */
const readMask =
  'name,cluster,connected,kernelRelease,agentVersion,lastSeenAt,revokedAt,labels,report.status,report.position,report.target,report.problem';
/** Where nothing is told by itself: whoever has scrolled far has less refreshed, for all of it is asked for again. */
const mostPagesRefreshed = 3;

export interface NodePages {
  readonly nodes: readonly NodeMessage[];
  readonly isKnown: boolean;
  readonly error: Error | null;
  readonly hasMore: boolean;
  readonly isLoadingMore: boolean;
  readonly loadMore: () => void;
}

type Known = InfiniteData<NodesPage, string>;

const noNodes: readonly NodeMessage[] = [];

const streamOf = (query: NodeQuery, limit: number): string => {
  const fields = Object.entries({ ...query, readMask, limit }).map(([name, value]) => [name, String(value)]);
  return `/v1/streams/nodes?${new URLSearchParams(fields)}`;
};

/** Keeps what is loaded as it is now. Which nodes lack a fix is judged for a list alone, so that one is asked for again. */
function useNews(query: NodeQuery, known: Known | undefined): { readonly isLive: boolean } {
  const client = useQueryClient();
  const again = useRef<ReturnType<typeof setTimeout>>(undefined);
  const loaded = known?.pages.reduce((sum, { nodes = [] }) => sum + nodes.length, 0) ?? 0;
  // In whole pages, so that one node more or less begins no other stream.
  const limit = Math.max(1, Math.ceil(loaded / pageSize)) * pageSize;
  const path = known === undefined || query.withoutCve !== undefined ? undefined : streamOf(query, limit);
  const take = (data: string): void => {
    const news = JSON.parse(data) as NodesNews;
    const queryKey = ['nodes', query];
    const before = client.getQueryData<Known>(queryKey);
    if (before === undefined) return;
    const { pages, isIncomplete } = withNews(before.pages, news, limit);
    client.setQueryData<Known>(queryKey, { ...before, pages });
    if (!isIncomplete) return;
    // While nodes come and go all the time the list is not asked for more often than it would be otherwise.
    again.current ??= setTimeout(() => {
      again.current = undefined;
      client.invalidateQueries({ queryKey, exact: true }).catch(() => undefined);
    }, refreshMs);
  };
  const resumed = (): string => {
    const pages = client.getQueryData<Known>(['nodes', query])?.pages ?? [];
    return `${path ?? ''}&afterRevision=${revisionOf(pages)}`;
  };
  const state = useLiveEvents(path, take, resumed);
  return { isLive: path !== undefined && state === 'live' };
}

const pagesOf = (query: NodeQuery) =>
  infiniteQueryOptions({
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
  });

/** Asks for the first of them before there is a page to show them on. */
export function askForNodes(query: NodeQuery): void {
  queryClient.infiniteQuery(pagesOf(query)).catch(() => undefined);
}

export function useNodePages(query: NodeQuery): NodePages {
  const client = useQueryClient();
  const { isLive } = useNews(query, client.getQueryData<Known>(['nodes', query]));
  const asked = useInfiniteQuery({
    ...pagesOf(query),
    select: ({ pages }) => pages.flatMap(({ nodes }) => nodes ?? []),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      !isLive && (state.data?.pages.length ?? 0) <= mostPagesRefreshed ? refreshMs : false,
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
