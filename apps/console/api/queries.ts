// SPDX-License-Identifier: GPL-2.0-only
import { QueryCache, QueryClient } from '@tanstack/react-query';
import { asProblem } from './problem';

const oneSecondMs = 1_000;

/** What is shown is asked for again while somebody looks at it; nothing is asked for a page in the background. */
export const refreshMs = 5 * oneSecondMs;
const longestRetryMs = 10 * oneSecondMs;

export const sessionKey = ['session'] as const;

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, { queryKey }) => {
      // Whoever's session has ended is asked to sign in, where they are.
      if (queryKey[0] !== sessionKey[0] && asProblem(error).isSignedOut) {
        queryClient.setQueryData(sessionKey, null);
      }
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: oneSecondMs,
      // A control plane that went away is asked until it is back; an answer is an answer.
      retry: (_, error) => asProblem(error).isPassing,
      retryDelay: (failures) => Math.min(oneSecondMs * 2 ** failures, longestRetryMs),
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});
