// SPDX-License-Identifier: GPL-2.0-only
import type { ReadAuditRequest, ReadAuditResponse } from '@lockstep/contracts/generated';
import { auditRecordToWire } from '@lockstep/contracts/wire';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';

/** Of records with details of some kilobytes each a message takes less than its limit. */
const mostInMessage = 500;

async function* recordsAfter(
  { db }: Uses<'db.audit'>,
  afterSeq: number,
): AsyncGenerator<Omit<ReadAuditResponse, 'logPublicKey'>> {
  for (let after = afterSeq; ;) {
    const records = await db.audit.read(after, mostInMessage);
    const to = records.at(-1)?.seq;
    if (to === undefined) return;
    const checkpoints = await db.audit.checkpoints(after, to);
    yield { records: records.map(auditRecordToWire), checkpoints, lastSeq: to };
    after = to;
  }
}

/** All that was written by the time of the call; this call is in it. */
export async function* readAudit(
  services: Uses<'db.audit' | 'audit' | 'changes' | 'authority'>,
  { afterSeq, last, follow }: ReadAuditRequest,
  { signal }: CallContext,
): AsyncGenerator<ReadAuditResponse> {
  const { db, audit, changes, authority } = services;
  await audit.settle();
  // Kept beside the database: of one that was cut off it tells the end. As it is now: a later one names what is not told.
  const newest = audit.newestCheckpoint();
  let sentSeq = last === 0 ? afterSeq : Math.max(afterSeq, (await db.audit.head()).seq - last);
  let logPublicKey: string = authority.logSigner.publicKeyPem;
  const isLast = (): boolean => !follow;
  for await (const head of changes.watch('audit', () => db.audit.head(), isLast, signal)) {
    if (head.seq <= sentSeq && logPublicKey === '') continue;
    for await (const part of recordsAfter(services, sentSeq)) {
      yield { ...part, logPublicKey };
      sentSeq = part.lastSeq;
      logPublicKey = '';
    }
  }
  if (!follow) yield { records: [], checkpoints: newest === undefined ? [] : [newest], logPublicKey, lastSeq: 0 };
}
