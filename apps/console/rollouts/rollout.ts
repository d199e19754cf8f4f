// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useLiveEvents, type LiveState } from '../api/live-events';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { NodeProgress, RolloutMessage, RolloutStatus, Schemas } from '../api/schemas';

const endings: ReadonlySet<RolloutStatus | undefined> = new Set([
  ...(['ROLLOUT_STATUS_SUCCEEDED', 'ROLLOUT_STATUS_ABORTED', 'ROLLOUT_STATUS_SUPERSEDED'] as const),
]);

/** For good: one that has halted has an end too, until somebody resumes it. */
export const hasEnded = ({ status }: RolloutMessage): boolean => endings.has(status);

const isHalted = ({ status }: RolloutMessage): boolean => status === 'ROLLOUT_STATUS_HALTED';

export interface LiveRollout {
  readonly query: UseQueryResult<RolloutMessage>;
  readonly live: LiveState;
}

/** A rollout as it is, and as it goes on while somebody looks. */
export function useRollout(id: string): LiveRollout {
  const client = useQueryClient();
  const queryKey = ['rollouts', id];
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<RolloutMessage> =>
      (await answerOf(api.GET('/v1/rollouts/{id}', { signal, params: { path: { id } } }))).rollout ?? {},
    // Nothing is told of one that has halted until somebody resumes it.
    refetchInterval: ({ state }) => (state.data !== undefined && isHalted(state.data) ? refreshMs : false),
  });
  const { data: rollout } = query;
  const isFollowed = rollout !== undefined && !hasEnded(rollout) && !isHalted(rollout);
  const live = useLiveEvents(isFollowed ? `/v1/rollouts/${encodeURIComponent(id)}/events` : undefined, (data) => {
    const { rollout: news } = JSON.parse(data) as Schemas['WatchRolloutResponse'];
    if (news !== undefined) client.setQueryData(queryKey, news);
  });
  return { query, live };
}

export interface Wave {
  readonly number: number;
  /** Nodes that it was planned with: shares are of these. */
  readonly planned: number;
  readonly there: number;
  readonly moving: number;
  readonly failures: number;
  readonly waiting: number;
  readonly allowedFailures: number;
  readonly atOnce: number;
  readonly passedAt: string | undefined;
  /** `open`: the first that has not passed, of a rollout that has not ended. */
  readonly state: 'passed' | 'open' | 'next';
}

export const waveName = (wave: number): string => (wave === 0 ? 'Canaries' : `Wave ${wave}`);

/** The ladder, bottom first. */
export function wavesOf(rollout: RolloutMessage): Wave[] {
  const waves = rollout.waves ?? [];
  const firstOpen = hasEnded(rollout) ? -1 : waves.findIndex(({ passedAt }) => passedAt === undefined);
  return waves.map((wave, number) => {
    const { planned = 0, there = 0, moving = 0, failures = 0, allowedFailures = 0, atOnce = 0, passedAt } = wave;
    const state = passedAt !== undefined ? 'passed' : number === firstOpen ? 'open' : 'next';
    const waiting = Math.max(0, planned - there - moving - failures);
    return { number, planned, there, moving, failures, waiting, allowedFailures, atOnce, passedAt, state };
  });
}

/** The rollout goes no further for what keeps this node. */
export const isInTheWay = ({ notYet, awaited }: NodeProgress): boolean =>
  awaited === true && notYet !== undefined && notYet.reason !== 'moving';

const rankOf = (node: NodeProgress): number => {
  if (isInTheWay(node)) return 0;
  if (node.notYet?.reason === 'moving') return 1;
  return node.notYet === undefined ? 3 : 2;
};

/** Those first for which somebody may have to act, by wave and name. */
export const byUrgency = (nodes: readonly NodeProgress[]): NodeProgress[] =>
  [...nodes].sort(
    (a, b) => rankOf(a) - rankOf(b) || (a.wave ?? 0) - (b.wave ?? 0) || ((a.node ?? '') < (b.node ?? '') ? -1 : 1),
  );
