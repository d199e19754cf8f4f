// SPDX-License-Identifier: GPL-2.0-only
import { entryFromWire, entryToWire } from '@lockstep/contracts/wire';
import { LogEntry as WireLogEntry } from '@lockstep/contracts/generated';
import { LockstepError, parseSeq, seqZero, type Seq } from '@lockstep/domain/livepatch-model';
import { extendLog, type LogChecks, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import type { Recorded } from '@lockstep/domain/node-state';
import { RecordFile, type OpenRecordHandle } from './record-file';

type JournalRecord =
  | { readonly kind: 'entry'; readonly entry: WireLogEntry }
  | { readonly kind: 'target' | 'position'; readonly seq: number };

/** One load order as this node has accepted it, and where the node is to be and was. */
export interface AgentJournal {
  /** What was recorded when it was opened. */
  readonly recorded: Recorded;
  recordEntries(entries: readonly LogEntry[]): Promise<void>;
  recordTarget(seq: Seq): Promise<void>;
  recordPosition(seq: Seq): Promise<void>;
  close(): Promise<void>;
}

function replay(log: LogName, records: readonly JournalRecord[], checks: LogChecks, file: string): Recorded {
  const received: LogEntry[] = [];
  let target = seqZero;
  let position = seqZero;
  for (const record of records) {
    switch (record.kind) {
      case 'entry':
        // Fields that are younger than the record are not in it: they have their defaults.
        received.push(entryFromWire(WireLogEntry.fromPartial(record.entry)));
        break;
      case 'target':
        target = parseSeq(Math.max(target, record.seq));
        break;
      case 'position':
        position = parseSeq(Math.max(position, record.seq));
        break;
    }
  }
  // Whoever can write this file must not thereby load modules: the signatures count, not the file.
  const checked = extendLog(log, [], received, checks);
  if (checked.kind === 'refused') {
    const { reason, ...where } = checked.refusal;
    throw new LockstepError(
      'corrupt',
      'journal-not-signed',
      `The load order in ${file} is not the one of this cluster and kernel build (${reason}). Nothing is done with it.`,
      { file, refusal: reason, ...('seq' in where ? { seq: where.seq } : {}) },
    );
  }
  return { log, entries: checked.entries, target, position };
}

/**
 * Opens the journal of `log`, or starts it.
 * @throws LockstepError `corrupt` when its records are damaged, unsigned, or another log's.
 */
export async function openAgentJournal(
  file: string,
  log: LogName,
  checks: LogChecks,
  openHandle?: OpenRecordHandle,
): Promise<AgentJournal> {
  const { journal, records } = await RecordFile.open(file, openHandle);
  const append = (...added: JournalRecord[]): Promise<void> => journal.append(added);
  return {
    recorded: replay(log, records as readonly JournalRecord[], checks, file),
    recordEntries: (entries) =>
      append(...entries.map((entry) => ({ kind: 'entry' as const, entry: entryToWire(entry) }))),
    recordTarget: (seq) => append({ kind: 'target', seq }),
    recordPosition: (seq) => append({ kind: 'position', seq }),
    close: () => journal.close(),
  };
}
