// SPDX-License-Identifier: GPL-2.0-only
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Empty where it is no JSON. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly withToken?: boolean;
}

export interface Event {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function eventIn(text: string): Event[] {
  const fields = new Map(Array.from(text.matchAll(/^(\w+): (.*)$/gm), ([, name = '', value = '']) => [name, value]));
  const data = fields.get('data');
  if (data === undefined) return [];
  const about = { id: fields.get('id'), type: fields.get('event') ?? 'message' };
  return [{ ...about, data: JSON.parse(data) as Event['data'] }];
}

export interface Listening {
  readonly events: Event[];
  readonly isOpen: () => boolean;
  /** Goes away. */
  readonly close: () => void;
}

/** Asks a control plane's HTTP API, with a token unless it is told not to. */
export class HttpsCaller {
  constructor(
    /** host:port. */
    private readonly address: string,
    private readonly ca: string,
    private readonly token: string,
  ) {}

  urlOf(place: string): string {
    return `https://${this.address}${place}`;
  }

  ask(place: string, asking: Asking = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpsRequest(this.options(place, asking), (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const type = String(response.headers['content-type']);
          const json = (type.includes('json') ? JSON.parse(text) : {}) as Answer['json'];
          resolve({ status: response.statusCode ?? 0, type, headers: response.headers, text, json });
        });
      });
      request.on('error', reject);
      request.end(asking.body === undefined ? undefined : JSON.stringify(asking.body));
    });
  }

  /** The events as they come. */
  listen(place: string, asking: Asking = {}): Listening {
    const events: Event[] = [];
    let left = '';
    let isOpen = true;
    const request = httpsRequest(this.options(place, asking), (response) => {
      response.on('data', (part: Buffer) => {
        const texts = (left + part.toString()).split('\n\n');
        left = texts.pop() ?? '';
        events.push(...texts.flatMap(eventIn));
      });
      response.on('error', () => undefined);
      response.on('close', () => {
        isOpen = false;
      });
    });
    request.on('error', () => undefined);
    request.end();
    return { events, isOpen: () => isOpen, close: () => request.destroy() };
  }

  private options(place: string, { method = 'GET', body, headers, withToken = true }: Asking): RequestOptions {
    const { hostname: host, port } = new URL(this.urlOf('/'));
    const proof = withToken ? { authorization: `Bearer ${this.token}` } : {};
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    // Its path as it is given: a URL would resolve what is in it.
    return { ca: this.ca, host, port, path: place, method, headers: { ...proof, ...json, ...headers } };
  }
}
