// SPDX-License-Identifier: GPL-2.0-only
import { useQueries } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { RolloutMessage, RolloutStatus } from '../api/schemas';
import { openRolloutsKey, useLiveRollouts } from './live-rollouts';

/** Of which somebody has yet to see the end. */
const openStatuses = [
  'ROLLOUT_STATUS_HALTED',
  'ROLLOUT_STATUS_PAUSED',
  'ROLLOUT_STATUS_RUNNING',
] as const satisfies readonly RolloutStatus[];

export interface OpenRollouts {
  readonly rollouts: readonly RolloutMessage[];
  readonly error: Error | null;
  readonly isKnown: boolean;
}

/** Those that wait for somebody first. */
export function useOpenRollouts(): OpenRollouts {
  const { isLive } = useLiveRollouts();
  const asked = useQueries({
    queries: openStatuses.map((status) => ({
      queryKey: [...openRolloutsKey, { status }],
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<readonly RolloutMessage[]> =>
        (await answerOf(api.GET('/v1/rollouts', { signal, params: { query: { status, pageSize: 50 } } }))).rollouts ??
        [],
      refetchInterval: isLive ? (false as const) : refreshMs,
    })),
  });
  return {
    rollouts: asked.flatMap(({ data }) => data ?? []),
    error: asked.find(({ error }) => error !== null)?.error ?? null,
    isKnown: asked.every(({ data }) => data !== undefined),
  };
}
