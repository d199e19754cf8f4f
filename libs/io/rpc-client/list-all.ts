// SPDX-License-Identifier: GPL-2.0-only
import type { CallOptions } from './service-client';

interface PagedRequest {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
}

interface PagedAnswer {
  readonly nextPageToken?: string | undefined;
}

/** Few round trips, and no answer that is long to make. */
const pageSize = 500;

/**
 * The pages of a list, one call each, until there is no other. Each call is repeated by itself where its answer is lost;
 * a control plane from before there were pages answers all in one.
 */
export async function* listPages<Request extends PagedRequest, Answer extends PagedAnswer>(
  list: (request: Request, options?: CallOptions) => Promise<Answer>,
  request: Request,
  options?: CallOptions,
): AsyncGenerator<Answer> {
  let pageToken: string | undefined;
  do {
    const answer = await list({ ...request, pageSize: request.pageSize ?? pageSize, pageToken }, options);
    yield answer;
    pageToken = answer.nextPageToken;
  } while (pageToken !== undefined && pageToken !== '');
}

/** All that a list holds, or the first so many of it. @param itemsOf what an answer lists */
export async function listAll<Request extends PagedRequest, Answer extends PagedAnswer, Item>(
  list: (request: Request, options?: CallOptions) => Promise<Answer>,
  request: Request,
  itemsOf: (answer: Answer) => readonly Item[],
  { limit = Infinity, ...options }: CallOptions & { readonly limit?: number | undefined } = {},
): Promise<Item[]> {
  const found: Item[] = [];
  const asked = { ...request, pageSize: Math.min(request.pageSize ?? pageSize, limit) };
  for await (const answer of listPages(list, asked, options)) {
    found.push(...itemsOf(answer));
    if (found.length >= limit) return found.slice(0, limit);
  }
  return found;
}
