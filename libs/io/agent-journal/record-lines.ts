// SPDX-License-Identifier: GPL-2.0-only
import { crc32 } from 'node:zlib';
import { LockstepError } from '@lockstep/domain/livepatch-model';

// The journal's bytes. A header line, then lines `<crc32> r <json>` for records and `<crc32> m <count>` for marks.
// A mark is written once all records before it are known to be on disk. So a damaged record that a mark follows was
// whole once: that is corruption. One without a mark after it was being written when the machine stopped: that is a
// torn tail, and nobody was told that it had been recorded.

const header = 'lockstep agent journal 1\n';

export const headerBytes = Buffer.from(header);

type Line = { readonly kind: 'record'; readonly payload: unknown } | { readonly kind: 'mark'; readonly count: number };

const lineOf = (body: string): string => `${crc32(body).toString(16).padStart(8, '0')} ${body}\n`;

export function encodeRecords(payloads: readonly unknown[]): Buffer {
  return Buffer.from(payloads.map((payload) => lineOf(`r ${JSON.stringify(payload)}`)).join(''));
}

/** @param count records before the mark, from the start of the journal. */
export function encodeMark(count: number): Buffer {
  return Buffer.from(lineOf(`m ${count}`));
}

function parseLine(bytes: Buffer): Line | undefined {
  const sum = bytes.subarray(0, 8).toString('latin1');
  const body = bytes.subarray(9);
  const kind = bytes.subarray(8, 11).toString('latin1');
  if (!/^[0-9a-f]{8}$/.test(sum) || crc32(body) !== Number.parseInt(sum, 16)) return undefined;
  if (kind === ' m ') return { kind: 'mark', count: Number(body.subarray(2).toString('latin1')) };
  return kind === ' r ' ? { kind: 'record', payload: JSON.parse(body.subarray(2).toString('utf8')) } : undefined;
}

/** Is there a whole mark anywhere in these bytes? Its line may have lost its beginning to damage before it. */
function holdsMark(tail: Buffer): boolean {
  const text = tail.toString('latin1');
  return [...text.matchAll(/[0-9a-f]{8} m \d+(?=\n)/g)].some(
    ([line]) => parseLine(Buffer.from(line, 'latin1')) !== undefined,
  );
}

/** About a journal that nothing can be done with. */
export const journalRemedy =
  'Nothing is done with it. Check the disk; restore the file and restart the agent, or remove it and reboot the machine: ' +
  'the control plane then sends the load order again.';

export interface JournalContent {
  readonly records: readonly unknown[];
  /** Bytes up to the end of the last whole line; what follows is a torn tail. */
  readonly wholeBytes: number;
}

/**
 * What a journal's bytes hold.
 * @throws LockstepError `corrupt` when something was damaged that had been recorded.
 */
export function readJournal(bytes: Buffer, file: string): JournalContent {
  const corrupt = (offset: number, what: string): LockstepError =>
    new LockstepError('corrupt', 'journal-damaged', `${file} is damaged at byte ${offset}: ${what}. ${journalRemedy}`, {
      file,
      offset,
    });
  if (!bytes.subarray(0, headerBytes.length).equals(headerBytes)) throw corrupt(0, 'it does not begin as a journal');
  const records: unknown[] = [];
  let offset = headerBytes.length;
  while (offset < bytes.length) {
    const end = bytes.indexOf(0x0a, offset);
    const line = end === -1 ? undefined : parseLine(bytes.subarray(offset, end));
    if (line === undefined) {
      if (holdsMark(bytes.subarray(offset))) throw corrupt(offset, 'a record does not match its checksum');
      break;
    }
    if (line.kind === 'record') records.push(line.payload);
    else if (line.count !== records.length) throw corrupt(offset, `${line.count - records.length} records are missing`);
    offset = end + 1;
  }
  return { records, wholeBytes: offset };
}
