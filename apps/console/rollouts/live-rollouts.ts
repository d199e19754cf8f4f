// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useRef } from 'react';
import { useLiveEvents } from '../api/live-events';
import type { RolloutMessage, RolloutStatus, Schemas } from '../api/schemas';

/** Of lists that are shown page by page, and of those that are not. */
export const rolloutPagesKey = ['rollouts', 'pages'] as const;
export const openRolloutsKey = ['rollouts', 'open'] as const;

type Pages = InfiniteData<Schemas['ListRolloutsResponse'], string>;

const withNews = (rows: readonly RolloutMessage[], news: ReadonlyMap<string | undefined, RolloutMessage>) =>
  rows.map((row) => news.get(row.id) ?? row);

/** Keeps the lists of rollouts that are shown as they are now. */
export function useLiveRollouts(): { readonly isLive: boolean } {
  const client = useQueryClient();
  /** As each was told last; undefined before the first message, which tells all that are worked on. */
  const told = useRef<Map<string, RolloutStatus | undefined>>(undefined);
  const take = (data: string): void => {
    const { rollouts = [] } = JSON.parse(data) as Schemas['WatchRolloutsResponse'];
    const news = new Map(rollouts.map((rollout) => [rollout.id, rollout]));
    client.setQueriesData<Pages>(
      { queryKey: rolloutPagesKey },
      (before) =>
        before && {
          ...before,
          pages: before.pages.map((page) => ({ ...page, rollouts: withNews(page.rollouts ?? [], news) })),
        },
    );
    client.setQueriesData<readonly RolloutMessage[]>(
      { queryKey: openRolloutsKey },
      (before) => before && withNews(before, news),
    );
    // One that has begun or ended is on other lists than it was.
    const before = told.current;
    const moved = before !== undefined && rollouts.some(({ id = '', status }) => before.get(id) !== status);
    told.current = new Map([...(before ?? []), ...rollouts.map(({ id = '', status }) => [id, status] as const)]);
    if (!moved) return;
    for (const queryKey of [rolloutPagesKey, openRolloutsKey]) {
      client.invalidateQueries({ queryKey }).catch(() => undefined);
    }
  };
  return { isLive: useLiveEvents('/v1/streams/rollouts', take) === 'live' };
}
