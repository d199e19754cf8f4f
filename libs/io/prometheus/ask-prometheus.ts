// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { z } from 'zod';

/** From the question to the last byte of the answer. */
const answerWithinMs = 10_000;
const longestAnswerBytes = 4 * 2 ** 20;

const point = z.tuple([z.number(), z.string()]);

/** As the HTTP API of Prometheus describes the answers of an instant query. */
const form = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('success'),
    // Of a part of the answer that is missing, as where one of several stores is away.
    warnings: z.optional(z.array(z.string())),
    data: z.discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('vector'), result: z.array(z.object({ value: z.optional(point) })) }),
      z.object({ resultType: z.literal('scalar'), result: point }),
      z.object({ resultType: z.enum(['matrix', 'string']), result: z.unknown() }),
    ]),
  }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);

const unanswered = (message: string, cause?: unknown): LockstepError =>
  new LockstepError('unavailable', 'prometheus-unanswered', message, {}, { cause });

/** A sample's value is told as text, for JSON has neither infinity nor NaN. Nothing is not 0. */
function numberOf(text: string): number {
  const known: Readonly<Record<string, number>> = { NaN, '+Inf': Infinity, '-Inf': -Infinity };
  return known[text] ?? (/^[-+]?[\d.]/.test(text) ? Number(text) : NaN);
}

/** What a query has now. */
export interface MetricAnswer {
  /** One of each series. */
  readonly values: readonly number[];
  /** What was not looked at, or not as it was meant, in the words of whoever answers. */
  readonly warnings: readonly string[];
}

/** @throws LockstepError `invalid-input` `invalid-prometheus-url` */
export function parsePrometheusUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isUsable = url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.username === '';
  if (isUsable && url.search === '' && url.hash === '') return url;
  const message = 'Prometheus is asked at http://HOST:PORT, with the path before /api if there is one, and no more.';
  throw new LockstepError('invalid-input', 'invalid-prometheus-url', message);
}

/** No more of it than is bearable. */
async function bodyOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    bytes += part.length;
    if (bytes > longestAnswerBytes) throw unanswered('Prometheus answers with more than is read: ask for less.');
  }
  return Buffer.concat(parts).toString('utf8');
}

function answerOf(text: string): MetricAnswer {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unanswered('What answers is no Prometheus: that is no JSON.', cause);
  }
  const parsed = form.safeParse(json);
  if (!parsed.success) throw unanswered('What answers is no Prometheus, or a query with histograms.');
  if (parsed.data.status === 'error') throw unanswered(`Prometheus refuses the query: ${parsed.data.error}`);
  const { data, warnings = [] } = parsed.data;
  switch (data.resultType) {
    case 'scalar':
      return { values: [numberOf(data.result[1])], warnings };
    case 'vector':
      return { values: data.result.map(({ value }) => (value === undefined ? NaN : numberOf(value[1]))), warnings };
    case 'matrix':
    case 'string':
      throw unanswered(`The query answers with a ${data.resultType}, and not with numbers of now.`);
  }
}

/**
 * Asks for what a query has now.
 * @param base as `parsePrometheusUrl` reads it
 * @throws LockstepError `unavailable` `prometheus-unanswered`: it was not asked, did not answer, or not with numbers
 */
export async function askPrometheus(base: URL, query: string, signal: AbortSignal): Promise<MetricAnswer> {
  const url = new URL(`${base.pathname.replace(/\/$/, '')}/api/v1/query`, base);
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
  const asked = { method: 'POST', body: new URLSearchParams({ query }), redirect: 'error' as const, signal: limit };
  const text = await fetch(url, asked)
    .then(bodyOf)
    .catch((cause: unknown) => {
      if (cause instanceof LockstepError) throw cause;
      // What fetch failed by is its cause, where there is one.
      const { message, cause: why } = cause as {
        readonly message: string;
        readonly cause?: { readonly message?: string };
      };
      throw unanswered(`Prometheus does not answer: ${why?.message ?? message}`, cause);
    });
  return answerOf(text);
}
