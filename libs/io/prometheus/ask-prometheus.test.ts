// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePort } from '@lockstep/testing/local-servers';
import { askPrometheus, parsePrometheusUrl, type MetricAnswer } from './index';

let server: Server;
let base: URL;
/** What it answers, and what it was asked. */
let answer: { readonly status?: number; readonly body: string };
let asked = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    text(request).then(
      (body) => {
        asked = `${request.url ?? ''} ${body}`;
        response.writeHead(answer.status ?? 200, { location: '/elsewhere' }).end(answer.body);
      },
      () => undefined,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = parsePrometheusUrl(`http://127.0.0.1:${(server.address() as AddressInfo).port}/prom/`);
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const ask = (query = 'up'): Promise<MetricAnswer> => askPrometheus(base, query, new AbortController().signal);
const success = (resultType: string, result: unknown): string =>
  JSON.stringify({ status: 'success', data: { resultType, result } });

test('a query goes as it is, to the API under the path that was given', async () => {
  answer = { body: success('vector', []) };
  await ask('rate(x{a="b+c"}[5m]) & more');
  expect(asked).toBe('/prom/api/v1/query query=rate%28x%7Ba%3D%22b%2Bc%22%7D%5B5m%5D%29+%26+more');
});

test.each([
  ['scalar', [1, '0.25'], [0.25]],
  ['vector', [], []],
  [
    'vector',
    [
      { metric: {}, value: [1, '1'] },
      { metric: { a: 'b' }, value: [1, '+Inf'] },
    ],
    [1, Infinity],
  ],
  ['vector', [{ metric: {}, value: [1, 'NaN'] }], [NaN]],
  ['scalar', [1, '1e-3'], [0.001]],
  // Nothing is not 0.
  ['scalar', [1, ''], [NaN]],
  ['vector', [{ metric: {}, value: [1, ' '] }], [NaN]],
  // A native histogram is no number.
  ['vector', [{ metric: {}, histogram: [1, {}] }], [NaN]],
])('%s: %j', async (type, result, values) => {
  answer = { body: success(type, result) };
  expect(await ask()).toEqual({ values, warnings: [] });
});

test('what was left out of an answer is told with it', async () => {
  answer = { body: success('vector', []).replace('{', '{"warnings":["no store matched"],"infos":["of no matter"],') };
  expect(await ask()).toEqual({ values: [], warnings: ['no store matched'] });
});

test.each([
  ['its own refusal', 400, '{"status":"error","errorType":"bad_data","error":"parse error"}', /refuses .* parse error/],
  ['a range', 200, success('matrix', []), /answers with a matrix/],
  ['a page', 200, '<html>', /no JSON/],
  ['another API', 200, '{"ok":true}', /no Prometheus/],
  ['a way elsewhere', 302, '', /does not answer/],
  ['more than is read', 200, ' '.repeat(5 * 2 ** 20), /more than is read/],
])('%s is no answer', async (_, status, body, message) => {
  answer = { status, body };
  await expect(ask()).rejects.toMatchObject({
    reason: 'prometheus-unanswered',
    message: expect.stringMatching(message),
  });
});

test('nobody there is no answer', async () => {
  const nobody = parsePrometheusUrl(`http://127.0.0.1:${await freePort()}`);
  await expect(askPrometheus(nobody, 'up', new AbortController().signal)).rejects.toMatchObject({
    ...{ kind: 'unavailable', reason: 'prometheus-unanswered' },
    message: expect.stringMatching(/does not answer: .*ECONNREFUSED/),
  });
});

test.each(['prometheus:9090', 'ftp://x', 'http://u:p@x', 'http://x/?a=b', ''])('%s is no address of it', (given) => {
  expect(() => parsePrometheusUrl(given)).toThrow(/http:\/\/HOST:PORT/);
});
