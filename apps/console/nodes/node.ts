// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { NodeMessage } from '../api/schemas';

/** What is shown of a node that moves is asked for more often. */
const movingRefreshMs = 1_000;

export const useNode = (name: string): UseQueryResult<NodeMessage> =>
  useQuery({
    queryKey: ['nodes', name],
    queryFn: async ({ signal }): Promise<NodeMessage> =>
      (await answerOf(api.GET('/v1/nodes/{name}', { signal, params: { path: { name } } }))).node ?? {},
    refetchInterval: ({ state }) => (state.data?.report?.status === 'NODE_STATUS_MOVING' ? movingRefreshMs : refreshMs),
  });
