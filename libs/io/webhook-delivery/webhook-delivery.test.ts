// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { parseEndpointUrl, parseWebhookSecret, postWebhook, showEndpointUrl } from './index';

const secret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

describe('an endpoint', () => {
  it.each([
    ['nonsense', /no URL/],
    ['ftp://h/x', /by https, not by ftp/],
    ['http://hooks.example/x', /by https, not by http/],
    ['https://me:pass@hooks.example/x', /user and password out/],
    ['https://hooks.example/x#part', /follows "#"/],
    ['https://127.0.0.1/x', /127\.0\.0\.1 is this machine itself/],
    ['https://[::1]/x', /::1 is this machine itself/],
    ['https://[::ffff:127.0.0.1]/x', /this machine itself/],
    ['https://2130706433/x', /this machine itself/],
    ['https://0x7f.1/x', /this machine itself/],
    ['https://169.254.169.254/latest/meta-data', /169\.254\.169\.254 is a link-local/],
    ['https://[fe80::1]/', /link-local/],
    ['https://0.0.0.0/', /unspecified/],
    ['https://224.0.0.1/', /multicast/],
    [`https://h/${'x'.repeat(3000)}`, /at most 2048/],
  ])('is not %s', (url, expected) => {
    expect(() => parseEndpointUrl(url, false)).toThrow(expected);
    try {
      parseEndpointUrl(url, false);
    } catch (error) {
      expect(String(error)).not.toContain('pass@');
    }
  });

  it.each(['https://hooks.example/x', 'https://10.0.0.5:8443/a?b=c', 'https://[fd12::1]/'])('may be %s', (url) => {
    expect(parseEndpointUrl(url, false).href).toBe(url);
  });

  it('is shown without what may be its only lock', () => {
    expect(showEndpointUrl('https://hooks.example/services/T00/B00/secrettoken')).toBe('https://hooks.example/…oken');
    expect(showEndpointUrl('https://hooks.example/')).toBe('https://hooks.example');
    expect(showEndpointUrl('https://hooks.example/short')).toBe('https://hooks.example/…');
  });
});

describe('a secret', () => {
  it.each([
    '',
    'whsec_',
    'whsec_dG9vIHNob3J0',
    randomBytes(32).toString('base64'),
    `whsec_${'A'.repeat(200)}`,
    'whsec_a b',
  ])('is not "%s"', (text) => {
    expect(() => parseWebhookSecret(text)).toThrow(/"whsec_" and 24 to 64 random bytes/);
  });
});

describe('a message', () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function listen(answer: RequestListener): Promise<string> {
    server = createServer(answer).listen(0, '127.0.0.1');
    await new Promise((resolve) => server?.once('listening', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  }
  const post = (url: string, over: Partial<Parameters<typeof postWebhook>[0]> = {}) =>
    postWebhook({
      ...{ url, id: 'm1', at: new Date(), body: '{"type":"x"}', secrets: [secret()], mayBeLocal: true },
      ...{ signal: new AbortController().signal, ...over },
    });

  it('is signed by each secret, so that whoever verifies with either takes it', async () => {
    const secrets = [secret(), secret()];
    const seen: { headers: IncomingHttpHeaders; body: string }[] = [];
    const url = await listen((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        response.writeHead(204).end();
      });
    });
    expect(await post(url, { secrets })).toEqual({ kind: 'taken', text: 'taken with 204' });
    const { headers, body } = seen[0]!;
    for (const each of secrets) {
      expect(new Webhook(each).verify(body, headers as Record<string, string>)).toEqual({ type: 'x' });
    }
    expect(() => new Webhook(secret()).verify(body, headers as Record<string, string>)).toThrow(
      /No matching signature/,
    );
  });

  it.each([
    [500, 'failed', /answered 500/],
    [404, 'failed', /answered 404/],
    [302, 'failed', /answered 302: nothing is sent on/],
    [410, 'gone', /410/],
  ])('that is answered with %d is %s', async (status, kind, text) => {
    const url = await listen((_, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end('secret of theirs');
    });
    const outcome = await post(url);
    expect(outcome.kind).toBe(kind);
    expect(outcome.text).toMatch(text);
    expect(outcome.text).not.toContain('theirs');
  });

  it('that gets no answer, or half of one, is given up in time', async () => {
    const silent = await listen(() => undefined);
    expect(await post(silent, { withinMs: 200 })).toEqual({ kind: 'failed', text: 'gave no answer within 0.2 s' });
    server?.close();
    const endless = await listen((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(65536)), 1);
      response.on('close', () => {
        clearInterval(timer);
      });
    });
    // Its status is all that is wanted.
    expect(await post(endless, { withinMs: 5_000 })).toMatchObject({ kind: 'taken' });
  });

  it('reaches nobody where nobody is, and no name that leads to this machine', async () => {
    expect(await post('http://127.0.0.1:1/x')).toEqual({
      kind: 'failed',
      text: 'cannot be reached: nothing listens there (ECONNREFUSED)',
    });
    const outcome = await post('https://localhost:1/x', { mayBeLocal: false });
    expect(outcome.kind).toBe('failed');
    expect(outcome.text).toMatch(/localhost leads to .* this machine itself/);
  });

  it('is left where it is when the sender stops', async () => {
    const url = await listen(() => undefined);
    const abort = new AbortController();
    const sending = post(url, { signal: abort.signal });
    setTimeout(() => {
      abort.abort(new Error('stopping'));
    }, 50);
    await expect(sending).rejects.toThrow('stopping');
  });
});
