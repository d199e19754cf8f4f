// SPDX-License-Identifier: GPL-2.0-only

/** Of what is data: a browser that is made to show it as a page runs and loads nothing. */
export const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

/**
 * Of the console: scripts, styles and data from here alone, nothing inline. Style elements that a script makes (Mantine's
 * variables) carry the nonce of the page.
 */
export const pagePolicy = (nonce: string): string =>
  [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');

const yearSeconds = 31_536_000;

/** Of every answer. @param host as the request names it */
export function securityHeaders(host: string): Readonly<Record<string, string>> {
  const isLocal = /^localhost(:\d+)?$/.test(host);
  return {
    'content-security-policy': dataPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
    // It would bind every other program's port on somebody's own machine too.
    ...(isLocal ? {} : { 'strict-transport-security': `max-age=${yearSeconds}` }),
  };
}
