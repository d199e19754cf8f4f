// SPDX-License-Identifier: GPL-2.0-only
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { messageParts } from '@lockstep/contracts/wire';

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

/**
 * The answer as messages of the same type, which are it when they are joined: its long lists come first, some items at a
 * time, then the rest. Together they hold each item once.
 */
function* slicesOf<Response extends object>(answer: Response, codec: AnswerCodec<Response>): Generator<Response> {
  const lists = Object.entries(answer).filter(
    (field): field is [string, unknown[]] => Array.isArray(field[1]) && field[1].length > itemsAtOnce,
  );
  if (lists.length > 0) {
    const empty = codec.responseDeserialize(Buffer.alloc(0));
    for (const [name, items] of lists) {
      for (let from = 0; from < items.length; from += itemsAtOnce) {
        yield { ...empty, [name]: items.slice(from, from + itemsAtOnce) };
      }
    }
  }
  yield { ...answer, ...Object.fromEntries(lists.map(([name]) => [name, []])) };
}

/** An answer of whatever length as messages, each encoded once. Between them the event loop turns. */
export async function* answerParts<Response extends object>(
  answer: Response,
  codec: AnswerCodec<Response>,
): AsyncGenerator<EncodedAnswer> {
  let beganAtMs = performance.now();
  for (const slice of slicesOf(answer, codec)) {
    for (const part of messageParts(codec.responseSerialize(slice))) yield new EncodedAnswer(Buffer.from(part));
    if (performance.now() - beganAtMs < turnMs) continue;
    await nextTurn();
    beganAtMs = performance.now();
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
