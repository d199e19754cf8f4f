// SPDX-License-Identifier: GPL-2.0-only
import { useSearchParams } from 'react-router';

/** What a page is told by its address: a filter, a tab or a selection can be sent to somebody, and going back goes back. */
export interface UrlState<Key extends string> {
  readonly values: Readonly<Record<Key, string>>;
  /** An empty text takes the parameter away. */
  readonly set: (changes: Readonly<Partial<Record<Key, string>>>) => void;
}

export const urlValues = <const Key extends string>(
  params: URLSearchParams,
  keys: readonly Key[],
): Readonly<Record<Key, string>> =>
  Object.fromEntries(keys.map((key) => [key, params.get(key) ?? ''])) as Record<Key, string>;

export function useUrlState<const Key extends string>(keys: readonly Key[]): UrlState<Key> {
  const [params, setParams] = useSearchParams();
  const set: UrlState<Key>['set'] = (changes) => {
    setParams(
      (before) => {
        const after = new URLSearchParams(before);
        for (const [key, value] of Object.entries<string | undefined>(changes)) {
          if (value === undefined || value === '') after.delete(key);
          else after.set(key, value);
        }
        return after;
      },
      { replace: true },
    );
  };
  return { values: urlValues(params, keys), set };
}
