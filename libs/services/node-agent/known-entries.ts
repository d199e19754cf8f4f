// SPDX-License-Identifier: GPL-2.0-only
import { LogEntry as WireEntry } from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import type { LogEntry } from '@lockstep/domain/load-order';

/** Well below any limit on messages. A single entry may be larger: it is told all the same. */
const bytesPerAnswer = 128 * 1024;

/** As many of these entries, from the first on, as one answer takes to a control plane that lost a part of its log. */
export function entriesForOneMessage(entries: readonly LogEntry[]): LogEntry[] {
  let sizeBytes = 0;
  const firstTooMany = entries.findIndex((entry, i) => {
    sizeBytes += WireEntry.encode(entryToWire(entry)).finish().length;
    return i > 0 && sizeBytes > bytesPerAnswer;
  });
  return entries.slice(0, firstTooMany === -1 ? undefined : firstTooMany);
}
