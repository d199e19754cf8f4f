// SPDX-License-Identifier: GPL-2.0-only
import type { BegunSignIn } from '@lockstep/io/identity-provider';
import type { RequestHeaders } from './session-cookie';

/** A sign-in that has gone to the identity provider, and where its browser wants to be afterwards. */
export interface SignInOnItsWay extends BegunSignIn {
  readonly to: string;
  /**
   * The digest of the session that its browser has already, and means to be over: the browser does not show that one when it
   * comes back from another site.
   */
  readonly before: string | undefined;
}

const cookieName = '__Host-lockstep-oidc';
/** `Lax`: the browser comes back from another site. */
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Lax';
/** As long as people take to find their second factor. */
const maxAgeSeconds = 600;

export const home = '/console/';

/** A place in the console: nobody is sent anywhere else, whatever a link says. */
export const placeInConsole = (to: unknown): string =>
  typeof to === 'string' && to.length <= 1_000 && /^\/console\/[\x21-\x5b\x5d-\x7e]*$/.test(to) ? to : home;

/** Kept by the browser, so that it can come back to another control plane. */
export function signInCookie({ state, nonce, verifier, to, before = '' }: SignInOnItsWay): string {
  const value = [state, nonce, verifier, Buffer.from(to).toString('base64url'), before].join('.');
  return `${cookieName}=${value}; Max-Age=${maxAgeSeconds}; ${attributes}`;
}

export const signInOverCookie = `${cookieName}=; Max-Age=0; ${attributes}`;

export function signInOnItsWay({ cookie }: RequestHeaders): SignInOnItsWay | undefined {
  if (typeof cookie !== 'string') return undefined;
  const form = /(?:^|; *)__Host-lockstep-oidc=([\w-]+)\.([\w-]+)\.([\w-]+)\.([\w-]+)\.([0-9a-f]{64})?(?:;|$)/;
  const [, state, nonce, verifier, to, before] = form.exec(cookie) ?? [];
  if (state === undefined || nonce === undefined || verifier === undefined || to === undefined) return undefined;
  return { state, nonce, verifier, to: placeInConsole(Buffer.from(to, 'base64url').toString()), before };
}
