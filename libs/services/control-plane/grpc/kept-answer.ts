// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';
import { callKeyHeader } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { DoneBefore, type CallAnswerStore, type CallName, type KeptCall } from '@lockstep/io/database';
import { encodeAnswer, type AnswerCodec } from './answer-parts';
import type { CallContext } from './call-route';
import type { GuardedContext } from './guarded-call';

/** Of a call that does something: its answer is kept where, and when, it is done. */
export interface KeepingContext<Response> extends CallContext {
  /** For the store that does it: what it writes with what it does. */
  readonly kept: <T>(answerOf: (result: T) => Response) => KeptCall<T>;
}

interface KeptMethod<Request, Response> extends AnswerCodec<Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Uint8Array;
}

function keyIn(metadata: Metadata): string | undefined {
  const [key] = metadata.get(callKeyHeader);
  if (key === undefined || (typeof key === 'string' && /^[A-Za-z0-9-]{16,64}$/.test(key))) return key;
  const message = `The metadata ${callKeyHeader} names a call by 16 to 64 letters, digits or dashes.`;
  throw new LockstepError('invalid-input', 'invalid-call-key', message);
}

/** A route whose call does what it asks for once, however often it comes: repeated, it answers as it did. */
export function keepingAnswer<Request, Response extends object>(
  answers: Pick<CallAnswerStore, 'recall'>,
  method: KeptMethod<Request, Response>,
  route: (request: Request, context: KeepingContext<Response>) => Promise<Response>,
): (request: Request, context: GuardedContext) => Promise<Response> {
  return async (request, context) => {
    // Of a call that its client has not named no other will ask for the answer.
    const key = keyIn(context.metadata) ?? randomUUID();
    const requestSha256 = createHash('sha256').update(method.requestSerialize(request)).digest('hex');
    const name: CallName = { key, method: method.path, requestSha256 };
    const before = await answers.recall(name);
    if (before !== undefined) return method.responseDeserialize(Buffer.from(before));
    try {
      return await route(request, {
        ...context,
        kept: (answerOf) => ({
          ...name,
          answerOf: (result) => encodeAnswer(answerOf(result), method),
          audit: { ...context.record, result: 'done' },
        }),
      });
    } catch (error) {
      if (!(error instanceof DoneBefore)) throw error;
      return method.responseDeserialize(Buffer.from(error.answer));
    }
  };
}
