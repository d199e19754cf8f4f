// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type Brand } from '@lockstep/domain/livepatch-model';

/** An Ed25519 public key as SPKI in PEM, as agents pin the first one. */
export type LogKey = Brand<string, 'LogKey'>;

const form = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/]{59}=\n-----END PUBLIC KEY-----\n$/;

/** Form only. @throws LockstepError `invalid-input` `invalid-log-key`. */
export function parseLogKey(text: string): LogKey {
  if (form.test(text)) return text as LogKey;
  throw new LockstepError('invalid-input', 'invalid-log-key', 'A log key is an Ed25519 public key in PEM (SPKI).');
}
