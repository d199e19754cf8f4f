// SPDX-License-Identifier: GPL-2.0-only
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerErrorResponse,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { traceHeader } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { traced } from '@lockstep/platform/tracing';
import type { Logger } from 'pino';
import { answerParts, type AnswerCodec, type EncodedAnswer } from './answer-parts';
import { toStatus } from './call-status';
import type { Caller } from '../audit/call-audit';
import { callerOf } from './callers';
import { drained } from './drained';
import type { CallShape, OpenCalls } from './open-calls';
import { insistReadable } from './readable-request';

export interface CallContext {
  /** Aborts when the caller is gone, its deadline has passed or the control plane stops. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
  readonly caller: Caller;
}

export interface RouteParts {
  readonly log: Logger;
  readonly calls: OpenCalls;
  /** Is told how each call ended. */
  readonly onEnd?: OnCallEnd;
}

/** @param tookMs undefined of a watch, which takes as long as its caller wants */
export type OnCallEnd = (path: string, error: unknown, tookMs: number | undefined) => void;

/** Longer than any unary call should take; a caller without deadline must not hold resources for ever. */
const unaryWithinMs = 60_000;
/** A watcher that does not read for this long is cut off. */
const drainWithinMs = 60_000;

/**
 * The answer, or the reason of the abort if that comes first. What was begun is not undone by that: it ends by itself,
 * and its failure is told to `onLateFailure`.
 */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal, onLateFailure: (error: unknown) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject);
    work.catch((error: unknown) => {
      if (signal.aborted && signal.reason !== error) onLateFailure(error);
    });
  });
}

const tooSlow = (): LockstepError =>
  new LockstepError(
    'unavailable',
    'too-slow',
    `The control plane had no answer within ${unaryWithinMs / 1000} s. What was asked for goes on and may still be done: ` +
      'look before you ask again.',
  );

/** Answers one request with one value. */
export type Route<Request, Response> = (request: Request, context: CallContext) => Promise<Response>;

/** What both kinds of call have whose answer is one value. */
interface AskingCall<Request> {
  readonly request: Request;
  readonly metadata: Metadata;
  getPath(): string;
}

const nameOfCall = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** In the trace that the caller names, if it names one. */
function callSpan(metadata: Metadata): { kind: 'server'; parent: string } {
  const [parent] = metadata.get(traceHeader);
  return { kind: 'server', parent: typeof parent === 'string' ? parent : '' };
}

const contextOf = ({ metadata }: { readonly metadata: Metadata }, signal: AbortSignal): CallContext => ({
  signal,
  metadata,
  caller: callerOf(metadata),
});

/** By what a call was let in: an access token, or a node's certificate. */
export function proofOf({ metadata }: { readonly metadata: Metadata }): string | undefined {
  const { identity } = callerOf(metadata);
  switch (identity.kind) {
    case 'owner':
      return identity.token;
    case 'node':
      return identity.node;
    case 'stranger':
      return undefined;
  }
}

/** The route's answer, if it comes before the time is up or the caller gone. */
async function answerInTime<Request, Response>(
  call: AskingCall<Request>,
  { log }: Pick<RouteParts, 'log'>,
  route: Route<Request, Response>,
  abort: AbortController,
): Promise<Response> {
  const { signal } = abort;
  const timer = setTimeout(() => {
    abort.abort(tooSlow());
  }, unaryWithinMs);
  const answer = (): Promise<Response> =>
    traced(nameOfCall(call.getPath()), callSpan(call.metadata), async () => {
      insistReadable(call.request);
      return route(call.request, contextOf(call, signal));
    });
  const onLateFailure = (err: unknown): void => {
    log.warn({ err, method: call.getPath() }, 'a call failed after its caller had stopped waiting');
  };
  try {
    return await untilAborted(answer(), signal, onLateFailure);
  } finally {
    clearTimeout(timer);
  }
}

export function unary<Request, Response>(
  parts: RouteParts,
  route: Route<Request, Response>,
): handleUnaryCall<Request, Response> {
  const { log, calls, onEnd } = parts;
  return (call, callback) => {
    const method = call.getPath();
    const begunMs = performance.now();
    const abort = calls.open(call, 'unary', proofOf(call));
    answerInTime(call, parts, route, abort)
      .then(
        (response) => {
          onEnd?.(method, undefined, performance.now() - begunMs);
          callback(null, response);
        },
        (error: unknown) => {
          onEnd?.(method, error, performance.now() - begunMs);
          if (!call.cancelled) callback(toStatus(error, method, log));
        },
      )
      .finally(() => {
        calls.close(abort);
      })
      .catch((err: unknown) => {
        log.error({ err, method }, 'could not answer a call');
      });
  };
}

/** Writes at the reader's pace. */
async function writeAll<Response>(
  call: ServerWritableStream<unknown, Response>,
  messages: Iterable<Response> | AsyncIterable<Response>,
  signal: AbortSignal,
): Promise<void> {
  for await (const message of messages) {
    signal.throwIfAborted();
    if (!call.write(message)) await drained(call, { reader: 'The caller', withinMs: drainWithinMs, signal });
  }
  // A watch that is told to end ends quietly: its caller must not take that for the last word.
  signal.throwIfAborted();
}

/** What both kinds of call that answer with a stream have. */
interface StreamingCall {
  readonly cancelled: boolean;
  getPath(): string;
  end(): unknown;
  emit(event: 'error', error: ServerErrorResponse): unknown;
  on(event: 'cancelled', listener: () => void): unknown;
}

/** Runs the work of a streaming call until it ends; its error, if any, is the stream's last word. */
export function runStream(
  call: StreamingCall,
  { log, calls, onEnd }: RouteParts,
  work: (abort: AbortController) => Promise<void>,
  shape: CallShape = 'stream',
  proof?: string,
): void {
  const method = call.getPath();
  const begunMs = performance.now();
  const ended = (error?: unknown): void => {
    onEnd?.(method, error, shape === 'unary' ? performance.now() - begunMs : undefined);
  };
  const abort = calls.open(call, shape, proof);
  work(abort)
    .then(
      () => {
        ended();
        call.end();
      },
      (error: unknown) => {
        ended(error);
        if (!call.cancelled) call.emit('error', toStatus(error, method, log));
      },
    )
    .finally(() => {
      calls.close(abort);
    })
    .catch((err: unknown) => {
      log.error({ err, method }, 'could not end a call');
    });
}

export function serverStream<Request, Response>(
  parts: RouteParts,
  route: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const work = async ({ signal }: AbortController): Promise<void> => {
      insistReadable(call.request);
      await writeAll(call, route(call.request, contextOf(call, signal)), signal);
    };
    runStream(call, parts, work, 'stream', proofOf(call));
  };
}

/** As `unary`, for an answer that may be longer than a message. */
export function inParts<Request, Response extends object>(
  parts: RouteParts,
  codec: AnswerCodec<Response>,
  route: Route<Request, Response>,
): handleServerStreamingCall<Request, EncodedAnswer> {
  return (call) => {
    const work = async (abort: AbortController): Promise<void> => {
      const answer = await answerInTime(call, parts, route, abort);
      await writeAll(call, answerParts<Response>(answer, codec), abort.signal);
    };
    runStream(call, parts, work, 'unary', proofOf(call));
  };
}
