// SPDX-License-Identifier: GPL-2.0-only
import type { Chunk } from './object-model';
import type { ReferenceReader } from './references';
import { sourceFunctionName } from './symbol-names';

/** For some chunks: the source names of the functions and variables that refer to each. */
export type UsersOf = (wanted: readonly Chunk[]) => ReadonlyMap<Chunk, ReadonlySet<string>>;

/** What refers to a section that changed is open too, so the open sections hold all users. */
export function usersOf(reader: ReferenceReader, open: readonly number[]): UsersOf {
  return (wanted) => {
    const users = new Map<Chunk, Set<string>>(wanted.map((chunk) => [chunk, new Set()]));
    for (const { from, to } of reader.referencesBetween(open, new Set(wanted.map(({ section }) => section.index)))) {
      // A list or a lock that is empty points at itself.
      if (from !== to) users.get(to)?.add(sourceFunctionName(from.name));
    }
    return users;
  };
}
