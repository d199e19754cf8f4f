// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerErrorResponse,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { statusFromError } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { explainDatabaseError } from '@lockstep/io/database';
import type { Logger } from 'pino';

export interface CallContext {
  /** Aborts when the caller is gone or its deadline has passed. */
  readonly signal: AbortSignal;
}

/** Lets a call in or throws. */
export type Gate = (metadata: Metadata) => void;

export interface RouteParts {
  readonly log: Logger;
  readonly gate: Gate;
}

/** Longer than any unary call should take; a caller without deadline must not hold resources for ever. */
const unaryWithinMs = 60_000;
/** A watcher that does not read for this long is cut off. */
const drainWithinMs = 60_000;

/** An error as it leaves the process: known ones with their words, others logged and hidden. */
export function toStatus(error: unknown, method: string, log: Logger): ServerErrorResponse {
  const explained = explainDatabaseError(error);
  if (!(explained instanceof LockstepError) || explained.kind === 'internal') log.error({ err: error, method }, 'bug');
  const { code, details, metadata } = statusFromError(explained);
  const status = Object.assign(new Error(details), { ...(details === undefined ? {} : { details }) });
  return Object.assign(status, { ...(code === undefined ? {} : { code }), ...(metadata && { metadata }) });
}

async function withinTime<T>(work: (signal: AbortSignal) => Promise<T>, abort: AbortController): Promise<T> {
  const late = new LockstepError('unavailable', 'too-slow', 'The control plane could not answer in time: try again.');
  const timer = setTimeout(() => {
    abort.abort(late);
  }, unaryWithinMs);
  const aborted = once(abort.signal, 'abort').then(() => {
    throw abort.signal.reason instanceof LockstepError ? abort.signal.reason : new Error('cancelled');
  });
  try {
    return await Promise.race([work(abort.signal), aborted]);
  } finally {
    clearTimeout(timer);
    aborted.catch(() => undefined);
  }
}

export function unary<Request, Response>(
  { log, gate }: RouteParts,
  route: (request: Request, context: CallContext) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const abort = new AbortController();
    call.on('cancelled', () => {
      abort.abort();
    });
    const answer = async (signal: AbortSignal): Promise<Response> => {
      gate(call.metadata);
      return route(call.request, { signal });
    };
    withinTime(answer, abort).then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        if (call.cancelled) return;
        callback(toStatus(error, call.getPath(), log));
      },
    );
  };
}

async function drained(call: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  try {
    await once(call, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(drainWithinMs)]) });
  } catch (cause) {
    const message = `The caller did not read for ${drainWithinMs} ms.`;
    throw new LockstepError('unavailable', 'reader-too-slow', message, {}, { cause });
  }
}

/** Writes at the reader's pace. */
async function writeAll<Response>(
  call: ServerWritableStream<unknown, Response>,
  messages: AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!call.write(message)) await drained(call, signal);
  }
}

export function serverStream<Request, Response>(
  { log, gate }: RouteParts,
  route: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const abort = new AbortController();
    call.on('cancelled', () => {
      abort.abort();
    });
    const answer = async (): Promise<void> => {
      gate(call.metadata);
      await writeAll(call, route(call.request, { signal: abort.signal }), abort.signal);
    };
    answer().then(
      () => {
        call.end();
      },
      (error: unknown) => {
        if (!abort.signal.aborted) call.emit('error', toStatus(error, call.getPath(), log));
      },
    );
  };
}
