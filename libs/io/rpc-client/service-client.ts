// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { Client, Metadata, MethodDefinition, ServiceError } from '@grpc/grpc-js';
import { callKeyHeader, errorFromStatus, traceHeader, type OperatorCall } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { activeTrace } from '@lockstep/platform/tracing';
import { createBackOff, type BackOffLimits } from './back-off';
import { defaultDeadlineMs } from './channel-options';
import { cancelledError, pause } from './pause';

export interface CallOptions {
  /**
   * Whole time for a call with one answer, retries included (default 15 s); one in parts has it for each part. Watches
   * have none: keepalive ends dead ones.
   */
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

/** What is known of a call besides its messages. `never`: an answer that was lost is the caller's affair. */
export interface CallTraits {
  readonly repeat: OperatorCall['repeat'] | 'never';
  readonly answer: OperatorCall['answer'];
}

type Call<M extends Method, Traits extends CallTraits> = Traits['answer'] extends 'events'
  ? (request: RequestOf<M>, options?: CallOptions) => AsyncIterable<ResponseOf<M>>
  : (request: RequestOf<M>, options?: CallOptions) => Promise<ResponseOf<M>>;

type Definition = Readonly<Record<string, Method>>;
/** Of every call of a definition, and maybe of others. */
type TraitsOf<D extends Definition> = { readonly [Name in keyof D]: CallTraits };

/** A promise for each call with one answer, an async iterable for each with events; every error is a LockstepError. */
export type ServiceClient<D extends Definition, T extends TraitsOf<D>> = {
  readonly [Name in keyof D as D[Name]['requestStream'] extends true ? never : Name]: Call<D[Name], T[Name]>;
};

/** What a watch whose connection broke asks for next, by the last message it had; the same again if it is not said. */
export type Resume<D extends Definition> = {
  readonly [Name in keyof D]?: (request: RequestOf<D[Name]>, last: ResponseOf<D[Name]>) => RequestOf<D[Name]>;
};

const retryLimits: BackOffLimits = { firstMs: 200, maxMs: 2_000 };
/** A watch outlives a restart of the server; about 30 s of tries without an answer end it. */
const maxSilentStreamTries = 20;

function isRetryable(error: unknown): error is LockstepError {
  return error instanceof LockstepError && error.kind === 'unavailable';
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** The call may have reached the control plane, and then nothing came: not a word of the server's own. */
const mayBeDone = (error: unknown): boolean =>
  error instanceof LockstepError &&
  (['grpc-deadline-exceeded', 'ended-by-server'].includes(error.reason) ||
    (error.reason === 'grpc-unavailable' && !error.message.startsWith('No connection established')));

/** Keeps the transport's reason: programs know by it that nobody answered. */
function outcomeUnknown(error: LockstepError): LockstepError {
  const message =
    'The control plane gave no answer in time. It may have done what was asked for, or still be at it: look before you ' +
    'ask again.';
  return new LockstepError('unavailable', error.reason, message, error.fields, { cause: error });
}

interface Ask {
  readonly client: Client;
  readonly method: MethodDefinition<unknown, unknown>;
  readonly traits: CallTraits;
  readonly request: unknown;
  readonly metadata: Metadata;
}

function askOnce(
  { client, method, request, metadata }: Ask,
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

/** One answer in several messages: joined byte for byte they are it. The time is that to each of them: all may take long. */
async function askInParts(ask: Ask, withinMs: number, signal: AbortSignal | undefined): Promise<unknown> {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort();
  }, withinMs);
  const parts: Buffer[] = [];
  const raw = { ...ask.method, responseDeserialize: (bytes: Buffer) => bytes };
  const either = AbortSignal.any([silence.signal, ...(signal === undefined ? [] : [signal])]);
  try {
    for await (const part of streamOnce({ ...ask, method: raw }, either)) {
      parts.push(part as Buffer);
      timer.refresh();
    }
  } catch (error) {
    if (!silence.signal.aborted || isAborted(signal)) throw error;
    const message = `Nothing came for ${Math.round(withinMs)} ms.`;
    throw new LockstepError('unavailable', 'grpc-deadline-exceeded', message, {}, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  return ask.method.responseDeserialize(Buffer.concat(parts));
}

async function askUntilAnswered(ask: Ask, { deadlineMs = defaultDeadlineMs, signal }: CallOptions): Promise<unknown> {
  const { repeat, answer } = ask.traits;
  const once = answer === 'parts' ? askInParts : askOnce;
  const deadline = performance.now() + deadlineMs;
  const backOff = createBackOff(retryLimits);
  let isUncertain = false;
  for (;;) {
    try {
      return await once(ask, deadline - performance.now(), signal);
    } catch (error) {
      const delayMs = backOff.nextMs();
      isUncertain ||= repeat !== 'reads' && mayBeDone(error);
      if (repeat === 'never' || !isRetryable(error) || performance.now() + delayMs >= deadline) {
        throw isUncertain && isRetryable(error) ? outcomeUnknown(error) : error;
      }
      await pause(delayMs, signal);
    }
  }
}

async function* streamOnce(
  { client, method, request, metadata }: Ask,
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

type ResumeAny = ((request: unknown, last: unknown) => unknown) | undefined;

async function* follow(ask: Ask, resume: ResumeAny, { signal }: CallOptions): AsyncGenerator {
  const backOff = createBackOff(retryLimits);
  let silentTries = 0;
  let { request } = ask;
  for (;;) {
    try {
      for await (const message of streamOnce({ ...ask, request }, signal)) {
        silentTries = 0;
        backOff.reset();
        request = resume?.(request, message) ?? request;
        yield message;
      }
      return;
    } catch (error) {
      silentTries += 1;
      if (ask.traits.repeat === 'never' || !isRetryable(error) || silentTries >= maxSilentStreamTries) throw error;
      await pause(backOff.nextMs(), signal);
    }
  }
}

/** Calls of `definition` (a ts-proto service definition) over `client`, each with the metadata made for it. */
export function createServiceClient<D extends Definition, const T extends TraitsOf<D>>(
  client: Client,
  definition: D,
  makeMetadata: () => Metadata,
  traitsOf: T,
  resume: Resume<D> = {},
): ServiceClient<D, T> {
  const calls = Object.entries(definition)
    .filter(([, method]) => !method.requestStream)
    .map(([name, method]) => {
      const traits = traitsOf[name as keyof D];
      const askFor = (request: unknown): Ask => {
        const metadata = makeMetadata();
        const parent = activeTrace();
        if (parent !== undefined) metadata.set(traceHeader, parent);
        if (traits.repeat === 'keyed') metadata.set(callKeyHeader, randomUUID());
        return { client, method: method as MethodDefinition<unknown, unknown>, traits, request, metadata };
      };
      const call =
        traits.answer === 'events'
          ? (request: unknown, options: CallOptions = {}) => follow(askFor(request), resume[name] as ResumeAny, options)
          : (request: unknown, options: CallOptions = {}) => askUntilAnswered(askFor(request), options);
      return [name, call] as const;
    });
  return Object.fromEntries(calls) as unknown as ServiceClient<D, T>;
}
