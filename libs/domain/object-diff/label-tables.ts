// SPDX-License-Identifier: GPL-2.0-only
import type { Chunk } from './object-model';
import { memoryOf } from './section-roles';
import type { Side } from './side';

/**
 * Whether constant data holds addresses inside some functions, as tables for computed gotos do: it belongs to their code,
 * as the tables do that the compiler makes of a switch.
 */
export function holdsPlacesIn({ reader }: Side, chunk: Chunk, isOfThem: (code: Chunk) => boolean): boolean {
  if (chunk.kind !== 'data' || memoryOf(chunk.section) !== 'constant') return false;
  return reader
    .referencesOf(chunk)
    .some(
      ({ target }) =>
        target.kind === 'chunk' && target.chunk.kind === 'function' && target.place !== 0 && isOfThem(target.chunk),
    );
}
