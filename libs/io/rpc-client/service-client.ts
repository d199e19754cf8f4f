// SPDX-License-Identifier: GPL-2.0-only
import type { Client, Metadata, MethodDefinition, ServiceError } from '@grpc/grpc-js';
import { errorFromStatus } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { createBackOff, type BackOffLimits } from './back-off';
import { defaultDeadlineMs } from './channel-options';
import { cancelledError, pause } from './pause';

export interface CallOptions {
  /** Whole time for a unary call, retries included (default 15 s). Streams have none: keepalive ends dead ones. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // Type parameters meet here in both directions: `any` is what grpc-js itself says.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly requestSerialize: (request: any) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

type RequestOf<M extends Method> = Parameters<M['requestSerialize']>[0];
type ResponseOf<M extends Method> = ReturnType<M['responseDeserialize']>;

type Call<M extends Method> = M['responseStream'] extends true
  ? (request: RequestOf<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
  : (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

/** A promise for each unary method, an async iterable for each server stream; every error is a LockstepError. */
export type ServiceClient<Definition extends Readonly<Record<string, Method>>> = {
  readonly [Name in keyof Definition as Definition[Name]['requestStream'] extends true ? never : Name]: Call<
    Definition[Name]
  >;
};

/** What may be sent again after a connection broke: reads, and watches, whose first answer is the whole state. */
const repeatable = /^(?:get|list|check|watch)/;

const retryLimits: BackOffLimits = { firstMs: 200, maxMs: 2_000 };
/** A watch outlives a restart of the server; about 30 s of tries without an answer end it. */
const maxSilentStreamTries = 20;

function isRetryable(error: unknown): boolean {
  return error instanceof LockstepError && error.kind === 'unavailable';
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** The call went out and then nothing came: not a word of the server's own. */
const isWithoutAnswer = (error: unknown): error is LockstepError =>
  error instanceof LockstepError && ['grpc-deadline-exceeded', 'ended-by-server'].includes(error.reason);

/** Keeps the transport's reason: programs know by it that nobody answered. */
function outcomeUnknown(error: LockstepError): LockstepError {
  const message =
    'The control plane gave no answer in time. It may have done what was asked for, or still be at it: look before you ' +
    'ask again.';
  return new LockstepError('unavailable', error.reason, message, error.fields, { cause: error });
}

function callOnce(
  client: Client,
  method: MethodDefinition<unknown, unknown>,
  request: unknown,
  metadata: Metadata,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(cancelledError(signal.reason));
      return;
    }
    const { path, requestSerialize, responseDeserialize } = method;
    const onAbort = (): void => {
      call.cancel();
    };
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      // eslint-disable-next-line no-restricted-properties -- grpc-js takes a moment, which it makes a timer of at once.
      { deadline: Date.now() + withinMs },
      (error: ServiceError | null, response?: unknown) => {
        signal?.removeEventListener('abort', onAbort);
        if (error === null) resolve(response);
        else reject(errorFromStatus(error, isAborted(signal)));
      },
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function callUnary(
  client: Client,
  method: MethodDefinition<unknown, unknown>,
  mayRepeat: boolean,
  request: unknown,
  metadata: Metadata,
  { deadlineMs = defaultDeadlineMs, signal }: CallOptions,
): Promise<unknown> {
  const deadline = performance.now() + deadlineMs;
  const backOff = createBackOff(retryLimits);
  for (;;) {
    try {
      return await callOnce(client, method, request, metadata, deadline - performance.now(), signal);
    } catch (error) {
      const delayMs = backOff.nextMs();
      if (!mayRepeat && isWithoutAnswer(error)) throw outcomeUnknown(error);
      if (!mayRepeat || !isRetryable(error) || performance.now() + delayMs >= deadline) throw error;
      await pause(delayMs, signal);
    }
  }
}

async function* streamOnce(
  client: Client,
  method: MethodDefinition<unknown, unknown>,
  request: unknown,
  metadata: Metadata,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  if (signal?.aborted === true) throw cancelledError(signal.reason);
  const call = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    request,
    metadata,
  );
  const onAbort = (): void => {
    call.cancel();
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    yield* call;
  } catch (error) {
    throw errorFromStatus(error as ServiceError, isAborted(signal));
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // The reader may have left early; errors after that (the cancellation itself) concern nobody.
    call.on('error', () => undefined);
    call.cancel();
  }
}

async function* callStream(
  client: Client,
  method: MethodDefinition<unknown, unknown>,
  mayRepeat: boolean,
  request: unknown,
  metadata: Metadata,
  { signal }: CallOptions,
): AsyncGenerator {
  const backOff = createBackOff(retryLimits);
  let silentTries = 0;
  for (;;) {
    try {
      for await (const message of streamOnce(client, method, request, metadata, signal)) {
        silentTries = 0;
        backOff.reset();
        yield message;
      }
      return;
    } catch (error) {
      silentTries += 1;
      if (!mayRepeat || !isRetryable(error) || silentTries >= maxSilentStreamTries) throw error;
      await pause(backOff.nextMs(), signal);
    }
  }
}

/** Calls of `definition` (a ts-proto service definition) over `client`, each with the metadata made for it. */
export function createServiceClient<Definition extends Readonly<Record<string, Method>>>(
  client: Client,
  definition: Definition,
  makeMetadata: () => Metadata,
): ServiceClient<Definition> {
  const calls = Object.entries(definition)
    .filter(([, method]) => !method.requestStream)
    .map(([name, method]) => {
      const full = method as MethodDefinition<unknown, unknown>;
      const call = method.responseStream ? callStream : callUnary;
      const mayRepeat = repeatable.test(name);
      return [
        name,
        (request: unknown, options: CallOptions = {}) =>
          call(client, full, mayRepeat, request, makeMetadata(), options),
      ] as const;
    });
  return Object.fromEntries(calls) as unknown as ServiceClient<Definition>;
}
