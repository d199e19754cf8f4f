// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Webhook } from 'standardwebhooks';

/** As Standard Webhooks has it: 24 to 64 bytes. */
const fewestBytes = 24;
const mostBytes = 64;

/** @throws LockstepError `invalid-input` `invalid-webhook-secret`; never quotes it. */
export function parseWebhookSecret(text: string): string {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
  const bytes = base64 === undefined ? 0 : Buffer.from(base64, 'base64').length;
  if (bytes >= fewestBytes && bytes <= mostBytes) return text;
  const message = `A webhook's secret is "whsec_" and ${fewestBytes} to ${mostBytes} random bytes in base64.`;
  throw new LockstepError('invalid-input', 'invalid-webhook-secret', message);
}

/** What proves who sends, and that it is not sent again by somebody else later. Each secret signs. */
export function signedHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  };
}
