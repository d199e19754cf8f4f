// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { PageRange, RowKey } from '@lockstep/io/database';

const defaultPageSize = 100;
const mostPageSize = 1_000;

/** What every List request has. */
export interface PagedRequest {
  readonly pageSize?: number | undefined;
  readonly pageToken?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined: there is no other. */
  readonly nextPageToken: string | undefined;
}

/** How items of a list are found again: the place of each as a text, and back. */
export interface ListKey<Item, Key> {
  readonly of: (item: Item) => Key;
  readonly format: (key: Key) => string;
  /** Undefined for a text that is none. */
  readonly parse: (text: string) => Key | undefined;
}

export const nameKey = <Item extends { readonly name: string }>(): ListKey<Item, string> => ({
  of: ({ name }) => name,
  format: (name) => name,
  parse: (text) => text,
});

export const rowKey = <Item>(of: (item: Item) => RowKey): ListKey<Item, RowKey> => ({
  of,
  format: ({ at, id }) => `${at.getTime()} ${id}`,
  parse: (text) => {
    const [, ms, id] = /^(\d{1,15}) ([0-9a-f-]{1,64})$/.exec(text) ?? [];
    return ms === undefined || id === undefined ? undefined : { at: new Date(Number(ms)), id };
  },
});

export const numberKey = <Item extends { readonly number: number }>(): ListKey<Item, number> => ({
  of: (item) => item.number,
  format: String,
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : undefined),
});

function startOf<Key>(token: string | undefined, parse: (text: string) => Key | undefined): Key | undefined {
  if (token === undefined || token === '') return undefined;
  const key = parse(Buffer.from(token, 'base64url').toString('utf8'));
  if (key !== undefined) return key;
  const message = 'That page token is not one of this list: take the next_page_token of the page before, as it is.';
  throw new LockstepError('invalid-input', 'invalid-page-token', message, { pageToken: token });
}

/**
 * One page, by the place of the last item of the one before: what comes and goes meanwhile shifts nothing.
 * @throws LockstepError `invalid-input` `invalid-page-token`.
 */
export async function onePage<Item, Key>(
  { pageSize, pageToken }: PagedRequest,
  key: ListKey<Item, Key>,
  read: (range: PageRange<Key>) => readonly Item[] | Promise<readonly Item[]>,
): Promise<Page<Item>> {
  const size = pageSize === undefined || pageSize === 0 ? defaultPageSize : Math.min(pageSize, mostPageSize);
  // One more than fits tells whether there is another page.
  const found = await read({ after: startOf(pageToken, key.parse), limit: size + 1 });
  const items = found.slice(0, size);
  const last = items.at(-1);
  const isLast = found.length <= size || last === undefined;
  const nextPageToken = isLast ? undefined : Buffer.from(key.format(key.of(last))).toString('base64url');
  return { items, nextPageToken };
}
