// SPDX-License-Identifier: GPL-2.0-only
import { LogEntry as WireEntry, type KnownEntries } from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import type { LogEntry } from '@lockstep/domain/load-order';

/** Well below any limit on messages. A single entry may be larger: it is told all the same. */
const bytesPerAnswer = 128 * 1024;

/** What a control plane that lost a part of its log asks for: the entries after `seq`, as many as one answer takes. */
export function knownEntriesAfter(entries: readonly LogEntry[], seq: number): KnownEntries {
  const told: WireEntry[] = [];
  let sizeBytes = 0;
  for (const entry of entries.slice(seq)) {
    const wire = entryToWire(entry);
    sizeBytes += WireEntry.encode(wire).finish().length;
    if (told.length > 0 && sizeBytes > bytesPerAnswer) break;
    told.push(wire);
  }
  return { entries: told };
}
