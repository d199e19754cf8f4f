// SPDX-License-Identifier: GPL-2.0-only
import { isIP } from 'node:net';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { forbiddenRange } from './address-guard';

const longestUrl = 2048;

const refused = (message: string): LockstepError => new LockstepError('invalid-input', 'invalid-webhook-url', message);

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/**
 * An address that events may be sent to. What its name leads to is looked at again each time when it is connected to.
 * @param mayBeLocal whether this machine itself, and plain http, will do
 * @throws LockstepError `invalid-input` `invalid-webhook-url`; never quotes what may be a password.
 */
export function parseEndpointUrl(text: string, mayBeLocal: boolean): URL {
  if (text.length > longestUrl || !URL.canParse(text)) {
    throw refused(`That is no URL: use https://HOST/PATH, at most ${longestUrl} characters.`);
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && mayBeLocal)) {
    throw refused(
      `A webhook is called by https, not by ${url.protocol.slice(0, -1)}: what it is told is nobody else's.`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('Leave user and password out of the URL: what is sent is signed, and the secret proves who sent it.');
  }
  if (url.hash !== '') throw refused('Leave out what follows "#": it is never sent.');
  const host = hostOf(url);
  const range = isIP(host) === 0 ? undefined : forbiddenRange(host, mayBeLocal);
  if (range !== undefined) throw refused(`${host} is ${range}: no events are sent there.`);
  return url;
}

/** For lists: what follows the host may be all that keeps others out. */
export function showEndpointUrl(text: string): string {
  if (!URL.canParse(text)) return '(no URL)';
  const { origin, pathname, search } = new URL(text);
  const rest = `${pathname}${search}`;
  return rest.length <= 1 ? origin : `${origin}/…${rest.length > 12 ? rest.slice(-4) : ''}`;
}
