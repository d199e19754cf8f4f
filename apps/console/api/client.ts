// SPDX-License-Identifier: GPL-2.0-only
import createClient, { type Middleware } from 'openapi-fetch';
import { nobodyAnswered, problemFrom } from './problem';
import type { ApiPaths } from './schemas';

/** Proves that this page makes a request; told with the session, and kept nowhere else. */
let csrf = '';

export const setCsrf = (token: string): void => {
  csrf = token;
};

const provesItsOrigin: Middleware = {
  onRequest: ({ request }) => {
    if (request.method !== 'GET' && csrf !== '') request.headers.set('x-lockstep-csrf', csrf);
    return request;
  },
};

/** Every call of the HTTP API by its description: a path or field that there is not does not compile. */
export const api = createClient<ApiPaths>({ credentials: 'same-origin' });
api.use(provesItsOrigin);

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The answer of a call. @throws ApiProblem, also where nobody answers. */
export async function answerOf<Data>(call: Promise<Answer<Data>>): Promise<NonNullable<Data>> {
  let answer: Answer<Data>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw nobodyAnswered();
  }
  const { data, error, response } = answer;
  if (data === undefined || data === null) throw problemFrom(error, response.status);
  return data;
}

/** Of a call that answers nothing. @throws ApiProblem. */
export async function doneBy(call: Promise<Answer<unknown>>): Promise<void> {
  const { error, response } = await call.catch(() => {
    throw nobodyAnswered();
  });
  if (!response.ok) throw problemFrom(error, response.status);
}
