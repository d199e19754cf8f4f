// SPDX-License-Identifier: GPL-2.0-only
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** Well below every limit; a single field that is longer is a part of its own. */
const partBytes = 1024 * 1024;

/**
 * An encoded message as encoded messages of the same type of about a megabyte, divided between its fields. Joined byte
 * for byte they are it again: that is how Protocol Buffers are merged. There is always one.
 */
export function* messageParts(message: Uint8Array, limitBytes = partBytes): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  let start = 0;
  while (reader.pos < reader.len) {
    const field = reader.pos;
    const [number, wireType] = reader.tag();
    reader.skip(wireType, number);
    if (field === start || reader.pos - start <= limitBytes) continue;
    yield message.subarray(start, field);
    start = field;
  }
  yield message.subarray(start);
}

/** Items in groups of about that size, in order; one that is larger is a group of its own. No group is empty. */
export function* groupsBySize<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  limitBytes = partBytes,
): Generator<T[]> {
  let group: T[] = [];
  let sizeBytes = 0;
  for (const item of items) {
    const itemBytes = sizeOf(item);
    if (group.length > 0 && sizeBytes + itemBytes > limitBytes) {
      yield group;
      group = [];
      sizeBytes = 0;
    }
    group.push(item);
    sizeBytes += itemBytes;
  }
  if (group.length > 0) yield group;
}
