// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
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

export const useSessionQuery = (): UseQueryResult<Session | null> =>
  useQuery({ queryKey: sessionKey, queryFn: currentSession, staleTime: Infinity, refetchOnWindowFocus: 'always' });

/** Of a page that is shown to somebody who is signed in. */
export function useSession(): Session {
  const session = useSessionQuery().data;
  if (session == null) throw new Error('Only somebody who is signed in sees this page.');
  return session;
}

export async function signIn(token: string): Promise<void> {
  const session = noted(await answerOf(api.POST('/v1/session', { body: { token } })));
  queryClient.setQueryData(sessionKey, session);
}

export async function signOut(): Promise<void> {
  await doneBy(api.DELETE('/v1/session'));
  setCsrf('');
  queryClient.clear();
  queryClient.setQueryData(sessionKey, null);
}
