// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { FreezeMessage, WindowMessage } from '../api/schemas';

export interface Schedules {
  /** By cluster, then name. */
  readonly windows: readonly WindowMessage[];
  /** By their ends; those that are over too. */
  readonly freezes: readonly FreezeMessage[];
}

export const schedulesKey = ['schedules'] as const;

/** Of all clusters that the reader may see. */
export const useSchedules = (): UseQueryResult<Schedules> =>
  useQuery({
    queryKey: schedulesKey,
    queryFn: async ({ signal }): Promise<Schedules> => {
      const [{ windows = [] }, { freezes = [] }] = await Promise.all([
        answerOf(api.GET('/v1/windows', { signal })),
        answerOf(api.GET('/v1/freezes', { signal })),
      ]);
      return { windows, freezes };
    },
    refetchInterval: refreshMs,
  });
