// SPDX-License-Identifier: GPL-2.0-only
import type { AuditEvent } from '@lockstep/domain/audit';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { addAuditEvent } from './audit';
import type { Client, Transaction } from './client';

/** One call, however often it is sent. */
export interface CallName {
  /** Made by the client; no other call has it. */
  readonly key: string;
  readonly method: string;
  readonly requestSha256: string;
}

/** A call whose answer is kept in the transaction that does what it asks for. */
export interface KeptCall<T> extends CallName {
  readonly answerOf: (result: T) => Uint8Array | Promise<Uint8Array>;
  /** Written with it. */
  readonly audit?: AuditEvent;
}

/** The call was done already, by a transaction that met this one: its answer counts, and nothing was done again. */
export class DoneBefore extends Error {
  constructor(readonly answer: Uint8Array) {
    super('This call was answered already.');
  }
}

export interface CallAnswerStore {
  /**
   * What the call was answered, if it was done. Forgets answers that are older than a day: clients ask again for seconds.
   * @throws LockstepError `invalid-input` `call-key-reused`.
   */
  recall(call: CallName): Promise<Uint8Array | undefined>;
}

async function find(db: Client | Transaction, call: CallName): Promise<Uint8Array | undefined> {
  const row = await db.callAnswer.findUnique({ where: { key: call.key } });
  if (row === null) return undefined;
  if (row.method === call.method && row.requestSha256 === call.requestSha256) return row.answer;
  const message = 'The key of this call is that of another one: each call that does something needs a new key.';
  throw new LockstepError('invalid-input', 'call-key-reused', message, { key: call.key, method: row.method });
}

/**
 * Does `work` once for the call, if it has a name. Two that meet are parted by the key, which is written first: the later
 * one is repeated, and finds the answer.
 * @throws DoneBefore
 */
export async function once<T>(tx: Transaction, call: KeptCall<T> | undefined, work: () => Promise<T>): Promise<T> {
  if (call === undefined) return work();
  const before = await find(tx, call);
  if (before !== undefined) throw new DoneBefore(before);
  const { key, method, requestSha256 } = call;
  await tx.callAnswer.create({ data: { key, method, requestSha256, answer: new Uint8Array() } });
  const result = await work();
  if (call.audit !== undefined) await addAuditEvent(tx, call.audit);
  await tx.callAnswer.update({ where: { key }, data: { answer: new Uint8Array(await call.answerOf(result)) } });
  return result;
}

export function callAnswerStore(db: Client): CallAnswerStore {
  return {
    async recall(call) {
      await db.$executeRaw`DELETE FROM call_answers WHERE answered_at < now() - interval '1 day'`;
      return find(db, call);
    },
  };
}
