// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { fieldBytes, messageParts, onlyField, type WireField } from '@lockstep/contracts/wire';

export interface AnswerCodec<Response> {
  readonly responseSerialize: (answer: Response) => Uint8Array;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** A message as it leaves. */
export class EncodedAnswer {
  constructor(readonly bytes: Buffer) {}
}

/** Of a list so many items are encoded without a break: a thousand nodes with their reports take a fifth of a second. */
const itemsAtOnce = 50;
/** So long the event loop may stand still for it, and one part more. */
const turnMs = 5;

type Lists = readonly (readonly [string, readonly unknown[]])[];

const longLists = (message: object): Lists =>
  Object.entries(message).filter(
    (field): field is [string, unknown[]] => Array.isArray(field[1]) && field[1].length > itemsAtOnce,
  );

const without = (lists: Lists): Record<string, never[]> => Object.fromEntries(lists.map(([name]) => [name, []]));

/** Messages of the same type, with some items of a list each. @param empty one with nothing in it */
function* slicesOf<Message extends object>(lists: Lists, empty: Message): Generator<Message> {
  for (const [name, items] of lists) {
    for (let from = 0; from < items.length; from += itemsAtOnce) {
      yield { ...empty, [name]: items.slice(from, from + itemsAtOnce) };
    }
  }
}

/**
 * A field that is a message with long lists, as a rollout with all its nodes. It is not cut: whoever reads it takes
 * the last one of several. Before each of the steps that it is made in it yields nothing.
 */
function* encodeField<Response extends object>(
  name: string,
  value: object,
  codec: AnswerCodec<Response>,
): Generator<undefined, Buffer> {
  const nothing = codec.responseDeserialize(Buffer.alloc(0));
  const fieldOf = (message: object): WireField => onlyField(codec.responseSerialize({ ...nothing, [name]: message }));
  const lists = longLists(value);
  const rest = fieldOf({ ...value, ...without(lists) });
  const empty = (codec.responseDeserialize(fieldBytes(rest.tag, [])) as Readonly<Record<string, object>>)[name];
  const contents: Uint8Array[] = [];
  for (const slice of slicesOf(lists, empty ?? {})) {
    contents.push(fieldOf(slice).content);
    yield undefined;
  }
  return fieldBytes(rest.tag, [...contents, rest.content]);
}

const isMessage = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * The answer's bytes, which are it when they are joined: its long lists come first, some items at a time, then those of
 * messages in it, then the rest. Each item is encoded once. Undefined: nothing has come of this step yet.
 */
function* encodeInSteps<Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): Generator<Uint8Array | undefined> {
  const lists = longLists(answer);
  if (lists.length > 0) {
    const empty = codec.responseDeserialize(Buffer.alloc(0));
    for (const slice of slicesOf(lists, empty)) yield codec.responseSerialize(slice);
  }
  const large = Object.entries(answer).filter(([, value]) => isMessage(value) && longLists(value).length > 0);
  for (const [name, value] of large) yield yield* encodeField(name, value as object, codec);
  const others = Object.fromEntries(large.map(([name]) => [name, undefined]));
  yield codec.responseSerialize({ ...answer, ...without(lists), ...others });
}

interface EncodedBefore {
  /** Of the call that it answers: the same object may answer another one, in other fields. */
  readonly by: unknown;
  readonly bytes: Uint8Array;
}

/** What is kept of a call is told to its caller too. */
const encodedAnswers = new WeakMap<object, EncodedBefore>();

function encodedBefore<Response extends object>(
  answer: Response,
  { responseSerialize }: AnswerCodec<Response>,
): Uint8Array | undefined {
  const before = encodedAnswers.get(answer);
  return before?.by === responseSerialize ? before.bytes : undefined;
}

/** Between the steps the event loop turns. */
async function* encodeBetweenTurns<Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): AsyncGenerator<Uint8Array> {
  const before = encodedBefore(answer, codec);
  if (before !== undefined) {
    yield before;
    return;
  }
  let beganAtMs = performance.now();
  for (const bytes of encodeInSteps(answer, codec)) {
    if (bytes !== undefined) yield bytes;
    if (performance.now() - beganAtMs < turnMs) continue;
    await nextTurn();
    beganAtMs = performance.now();
  }
}

/** All of it. Told to a caller as well, that very answer is not encoded again. */
export async function encodeAnswer<Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): Promise<Uint8Array> {
  const before = encodedBefore(answer, codec);
  if (before !== undefined) return before;
  const parts: Uint8Array[] = [];
  for await (const bytes of encodeBetweenTurns(answer, codec)) parts.push(bytes);
  const encoded = Buffer.concat(parts);
  encodedAnswers.set(answer, { by: codec.responseSerialize, bytes: encoded });
  return encoded;
}

/** An answer that goes in one message, as it leaves. */
export const encodedAnswer = async <Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): Promise<EncodedAnswer> => {
  const bytes = await encodeAnswer(answer, codec);
  return new EncodedAnswer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
};

/** An answer of whatever length as messages, each encoded once. Between them the event loop turns. */
export async function* answerParts<Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): AsyncGenerator<EncodedAnswer> {
  for await (const bytes of encodeBetweenTurns(answer, codec)) {
    for (const part of messageParts(bytes)) yield new EncodedAnswer(Buffer.from(part));
  }
}

type AnyMethod = MethodDefinition<unknown, unknown>;

/** The service, which sends what is encoded already as it is. */
export function sendingEncoded<Definition extends ServiceDefinition>(definition: Definition): Definition {
  const methods = Object.entries(definition).map(([name, method]) => {
    const { responseSerialize } = method as AnyMethod;
    const write = (answer: unknown): Buffer =>
      answer instanceof EncodedAnswer ? answer.bytes : responseSerialize(answer);
    return [name, { ...method, responseSerialize: write }] as const;
  });
  return Object.fromEntries(methods) as unknown as Definition;
}
