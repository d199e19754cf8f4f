// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import type { Resource } from '@lockstep/domain/access';
import { eventOf } from '../audit/call-audit';
import { encodeAnswer, type AnswerCodec } from './answer-parts';
import type { CallContext } from './call-route';
import type { KeepingContext } from './kept-answer';

interface Method<Request, Response> extends AnswerCodec<Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Uint8Array;
}

/** A call that is done for another one: written down as what it is, in the name of who made that. */
export function partOfCall<Request, Response extends object>(
  context: CallContext,
  method: Method<Request, Response>,
  request: Request,
  resource: Resource,
): KeepingContext<Response> {
  const { caller, metadata } = context;
  const { path, requestSerialize } = method;
  const audit = { ...eventOf({ path, caller, metadata, request, resource }), result: 'done' };
  const requestSha256 = createHash('sha256').update(requestSerialize(request)).digest('hex');
  return {
    ...context,
    kept: (answerOf) => ({
      ...{ key: randomUUID(), method: path, requestSha256, audit },
      answerOf: (result) => encodeAnswer(answerOf(result), method),
    }),
  };
}
