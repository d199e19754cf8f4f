// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import type { Resource } from '@lockstep/domain/access';
import { eventOf } from '../audit/call-audit';
import type { CallContext } from './call-route';
import type { KeepingContext } from './kept-answer';

interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Uint8Array;
  readonly responseSerialize: (response: Response) => Uint8Array;
}

/** A call that is done for another one: written down as what it is, in the name of who made that. */
export function partOfCall<Request, Response>(
  context: CallContext,
  { path, requestSerialize, responseSerialize }: Method<Request, Response>,
  request: Request,
  resource: Resource,
): KeepingContext<Response> {
  const { caller, metadata } = context;
  const audit = { ...eventOf({ path, caller, metadata, request, resource }), result: 'done' };
  const requestSha256 = createHash('sha256').update(requestSerialize(request)).digest('hex');
  return {
    ...context,
    kept: (answerOf) => ({
      ...{ key: randomUUID(), method: path, requestSha256, audit },
      answerOf: (result) => responseSerialize(answerOf(result)),
    }),
  };
}
