// SPDX-License-Identifier: GPL-2.0-only
import { queryOptions, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { answerOf, api, doneBy, setCsrf } from '../api/client';
import { asProblem } from '../api/problem';
import { queryClient, sessionKey } from '../api/queries';
import type { Session } from '../api/schemas';

function noted(session: Session): Session {
  setCsrf(session.csrf);
  return session;
}

/** Null: nobody is signed in. */
async function currentSession(): Promise<Session | null> {
  try {
    return noted(await answerOf(api.GET('/v1/session')));
  } catch (error) {
    if (asProblem(error).isSignedOut) return null;
    throw error;
  }
}

const sessionQuery = queryOptions<Session | null>({
  queryKey: sessionKey,
  queryFn: currentSession,
  staleTime: Infinity,
});

/** Asks before anything is shown, so that the answer comes while the page's own file does. */
export function askForSession(): void {
  queryClient.query(sessionQuery).catch(() => undefined);
}

export const useSessionQuery = (): UseQueryResult<Session | null> =>
  useQuery({ ...sessionQuery, refetchOnWindowFocus: 'always' });

/** Whom the pages are shown to: all of them go at once when that is nobody any more. */
export const SessionContext = createContext<Session | null>(null);

/** Of a page that is shown to somebody who is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('Only somebody who is signed in sees this page.');
  return session;
}

export async function signIn(token: string): Promise<void> {
  const session = noted(await answerOf(api.POST('/v1/session', { body: { token } })));
  queryClient.setQueryData(sessionKey, session);
}

export async function signOut(): Promise<void> {
  await doneBy(api.DELETE('/v1/session'));
  queryClient.setQueryData(sessionKey, null);
}

/** What was told to whoever was signed in before is nobody else's. */
export function forgetAnswers(): void {
  setCsrf('');
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionKey[0] });
  queryClient.getMutationCache().clear();
}
