// SPDX-License-Identifier: GPL-2.0-only
import type { AuditRecord } from '@lockstep/contracts/generated';
import type { AuditVerdict } from '@lockstep/domain/audit';
import { counted } from '@lockstep/domain/visible-text';
import { toDocument } from '../document';
import { showTime, table } from '../table';

export const auditDocument = (record: AuditRecord): unknown => toDocument(record);

const head = ['#', 'WHEN', 'WHO', 'CALL', 'ON', 'RESULT', 'FROM', 'WHAT', 'WHY'] as const;

const cells = (record: AuditRecord): string[] => [
  String(record.seq),
  showTime(record.at),
  record.who,
  record.call,
  record.on,
  record.result,
  record.from,
  record.details,
  record.because,
];

export const auditTable = (records: readonly AuditRecord[]): string => table(head, records.map(cells), 'No records.');

/** For a log that is followed: one line, in no columns. */
export const auditLine = (record: AuditRecord): string =>
  cells(record)
    .filter((cell) => cell !== '')
    .join('  ');

export function verdictText({ records, lastSeq, lastHash, faults }: AuditVerdict): string {
  const end = `${counted(records, 'record')}, the last is #${lastSeq} ${lastHash}`;
  if (faults.length === 0) return `The audit log is whole: ${end}.`;
  return [`The audit log is NOT whole (${end}):`, ...faults.map(({ message }) => `  ${message}`)].join('\n');
}
