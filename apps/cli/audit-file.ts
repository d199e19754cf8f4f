// SPDX-License-Identifier: GPL-2.0-only
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AuditCheckpoint, AuditRecord, AuditCheck } from '@lockstep/domain/audit';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { z } from 'zod';

// An audit log on its way to another machine: one JSON document a line, each a record or a checkpoint.

const hash = z.string().regex(/^[0-9a-f]{64}$/);
// Whatever else stood there would be in no hash.
const record = z.strictObject({
  seq: z.number().int(),
  at: z.string(),
  who: z.string(),
  token: z.string(),
  from: z.string(),
  call: z.string(),
  on: z.string(),
  details: z.string(),
  because: z.string(),
  result: z.string(),
  previousHash: hash,
  hash,
});
const checkpoint = z.strictObject({ seq: z.number().int(), hash, signature: z.string() });
const line = z.union([z.strictObject({ record }), z.strictObject({ checkpoint })]);

export const recordLine = (value: AuditRecord): string => `${JSON.stringify({ record: value })}\n`;
export const checkpointLine = (value: AuditCheckpoint): string => `${JSON.stringify({ checkpoint: value })}\n`;

/** @throws LockstepError `invalid-input` `not-an-export` naming the line; `empty-export`. */
export async function checkFile(file: string, check: AuditCheck): Promise<void> {
  let number = 0;
  let isEmpty = true;
  for await (const text of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (text === '') continue;
    const parsed = parseLine(text);
    if (parsed === undefined) {
      const message = `Line ${number} of ${file} is no record and no checkpoint of an audit log.`;
      throw new LockstepError('invalid-input', 'not-an-export', message, { file, line: number });
    }
    if ('record' in parsed) check.take(parsed.record as AuditRecord);
    else check.takeCheckpoint(parsed.checkpoint as AuditCheckpoint);
    isEmpty = false;
  }
  if (!isEmpty) return;
  const message = `${file} holds nothing: every audit log has its first record, so that this one was cut off, or never written.`;
  throw new LockstepError('invalid-input', 'empty-export', message, { file });
}

function parseLine(text: string): z.infer<typeof line> | undefined {
  try {
    return line.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
