// SPDX-License-Identifier: GPL-2.0-only
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Headers of a request, by their names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** `__Host-`: of this host alone, by TLS alone, whatever a neighbour under the same domain sets. */
export const sessionCookie = '__Host-lockstep';

/** Proves that a page of ours makes a request, and not another site with our cookie. */
export const csrfHeader = 'x-lockstep-csrf';

const form = /^[A-Za-z0-9_-]{43}$/;

/** The session's secret, unless the request brings a token of its own: then its cookies are not looked at. */
export function sessionSecretOf({ authorization, cookie }: RequestHeaders): string | undefined {
  if (authorization !== undefined || typeof cookie !== 'string') return undefined;
  const pairs = cookie.split(';').map((pair) => pair.trim());
  const secret = pairs.find((pair) => pair.startsWith(`${sessionCookie}=`))?.slice(sessionCookie.length + 1);
  return secret !== undefined && form.test(secret) ? secret : undefined;
}

/** What the operator port takes as proof: the request's token, or its session. */
export function authorizationOf(headers: RequestHeaders): string | undefined {
  if (typeof headers['authorization'] === 'string') return headers['authorization'];
  const secret = sessionSecretOf(headers);
  return secret === undefined ? undefined : `Bearer ${secret}`;
}

const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

export const cookieWith = (secret: string, expiresAt: Date): string =>
  `${sessionCookie}=${secret}; Expires=${expiresAt.toUTCString()}; ${attributes}`;

export const endedCookie = `${sessionCookie}=; Max-Age=0; ${attributes}`;

/** Made of the session's secret, so that nothing more is kept of it. */
export const csrfOf = (secret: string): string => createHmac('sha256', secret).update('csrf').digest('base64url');

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * Of a request that changes something: a browser sends the cookie with whatever any page makes it send.
 * @throws LockstepError `forbidden` `csrf-missing`.
 */
export function insistOwnPage(headers: RequestHeaders): void {
  const secret = sessionSecretOf(headers);
  const given = headers[csrfHeader];
  if (secret === undefined) return;
  if (typeof given === 'string' && timingSafeEqual(digest(given), digest(csrfOf(secret)))) return;
  const message = `What changes something by a session needs the header ${csrfHeader}: GET /v1/session tells it to pages of ours.`;
  throw new LockstepError('forbidden', 'csrf-missing', message, { header: csrfHeader });
}
