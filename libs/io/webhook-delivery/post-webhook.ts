// SPDX-License-Identifier: GPL-2.0-only
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { guardedLookup } from './address-guard';
import { parseEndpointUrl } from './endpoint-url';
import { signedHeaders } from './signature';

/** From the first look at the name to the last byte of the head of its answer. */
const answerWithinMs = 15_000;

export interface Posting {
  readonly url: string;
  /** The same however often it is sent. */
  readonly id: string;
  readonly at: Date;
  /** JSON. */
  readonly body: string;
  readonly secrets: readonly string[];
  readonly mayBeLocal: boolean;
  /** `answerWithinMs` if undefined. */
  readonly withinMs?: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * - `taken`: 2xx;
 * - `gone`: 410, it wants nothing any more;
 * - `failed`: anything else, also no answer and one that leads elsewhere; worth another try.
 */
export interface DeliveryOutcome {
  readonly kind: 'taken' | 'gone' | 'failed';
  /** In words; nothing that the endpoint says, which is nobody's business here. */
  readonly text: string;
}

function judge(status: number): DeliveryOutcome {
  if (status >= 200 && status < 300) return { kind: 'taken', text: `taken with ${status}` };
  if (status === 410) return { kind: 'gone', text: 'answered 410: it wants no events any more' };
  const more = status >= 300 && status < 400 ? ': nothing is sent on to where that leads' : '';
  return { kind: 'failed', text: `answered ${status}${more}` };
}

/** What the system's codes mean to whoever set the endpoint up. */
const reached: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is not known here (ENOTFOUND)',
  EAI_AGAIN: 'its name cannot be looked up now (EAI_AGAIN)',
  ECONNREFUSED: 'nothing listens there (ECONNREFUSED)',
  ECONNRESET: 'it ended the connection (ECONNRESET)',
  EHOSTUNREACH: 'there is no way to it (EHOSTUNREACH)',
  ENETUNREACH: 'there is no way to it (ENETUNREACH)',
};

function explain(error: unknown, isLate: boolean, withinMs: number): string {
  if (isLate) return `gave no answer within ${withinMs / 1000} s`;
  const { code, message } = error as NodeJS.ErrnoException;
  if (error instanceof LockstepError) return message;
  const said = code === undefined ? message : (reached[code] ?? code);
  return `cannot be reached: ${said}`;
}

function send(url: URL, body: string, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const outgoing = request(url, options, (answer: IncomingMessage) => {
      // What it says beside its status is not read.
      answer.destroy();
      resolve(answer.statusCode ?? 0);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** Sends one message as Standard Webhooks says, once. Never throws but by the caller's signal. */
export async function postWebhook(posting: Posting): Promise<DeliveryOutcome> {
  const { id, at, body, secrets, mayBeLocal, withinMs = answerWithinMs, signal } = posting;
  const late = AbortSignal.timeout(withinMs);
  try {
    const url = parseEndpointUrl(posting.url, mayBeLocal);
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'lockstep-webhooks',
      ...signedHeaders(id, at, body, secrets),
    };
    const status = await send(url, body, {
      method: 'POST',
      headers,
      // A connection of its own: nothing of one endpoint is kept for another.
      agent: false,
      lookup: guardedLookup(mayBeLocal),
      signal: AbortSignal.any([signal, late]),
    });
    return judge(status);
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failed', text: explain(error, late.aborted, withinMs) };
  }
}
