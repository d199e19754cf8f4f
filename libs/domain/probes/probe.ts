// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** What a node is asked about itself: each is answered by that node alone, from where it stands. */
export type Probe =
  /** Answered with a status from 200 to 399. */
  | { readonly kind: 'http'; readonly url: string }
  /** Takes a connection. */
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** Ends with 0; the node's own list says what the name stands for. */
  | { readonly kind: 'command'; readonly name: string };

const longest = 512;

const refuse = (text: string, why: string): LockstepError =>
  new LockstepError('invalid-input', 'invalid-probe', `"${text}" is no probe: ${why}`, { text });

/**
 * A node probes itself and nothing else: a control plane in the wrong hands must not make a fleet call whom it likes.
 * @param host as a URL has it, in brackets where it is IPv6
 */
const isOwnHost = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);

const ownOnly = 'it may reach only the node itself: localhost, 127.0.0.1 or [::1].';

function parseHttp(text: string, target: string): Probe {
  if (!URL.canParse(target)) throw refuse(text, 'write http=http://127.0.0.1:8080/healthz.');
  const url = new URL(target);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw refuse(text, 'it is asked by http or https.');
  if (url.username !== '' || url.password !== '') throw refuse(text, 'leave user and password out of it.');
  if (!isOwnHost(url.hostname)) throw refuse(text, ownOnly);
  url.hash = '';
  return { kind: 'http', url: url.href };
}

function parseTcp(text: string, target: string): Probe {
  const [, host, digits] = /^(.+):(\d{1,5})$/.exec(target) ?? [];
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw refuse(text, 'write tcp=127.0.0.1:22.');
  if (!isOwnHost(host)) throw refuse(text, ownOnly);
  return { kind: 'tcp', host, port };
}

/**
 * `http=URL`, `tcp=HOST:PORT` or `command=NAME`.
 * @throws LockstepError `invalid-input` `invalid-probe`
 */
export function parseProbe(text: string): Probe {
  const at = text.indexOf('=');
  const target = text.slice(at + 1);
  if (text.length > longest) throw refuse(`${text.slice(0, 40)}…`, `it has more than ${longest} characters.`);
  switch (at < 0 ? '' : text.slice(0, at)) {
    case 'http':
      return parseHttp(text, target);
    case 'tcp':
      return parseTcp(text, target);
    case 'command':
      if (!/^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$/.test(target))
        throw refuse(text, 'a command is named by small letters, digits and . _ -');
      return { kind: 'command', name: target };
    default:
      throw refuse(text, 'write http=URL, tcp=HOST:PORT or command=NAME.');
  }
}

/** The one text that stands for it, everywhere: in a policy, on the wire, in a report. */
export function showProbe(probe: Probe): string {
  switch (probe.kind) {
    case 'http':
      return `http=${probe.url}`;
    case 'tcp':
      return `tcp=${probe.host}:${probe.port}`;
    case 'command':
      return `command=${probe.name}`;
  }
}
