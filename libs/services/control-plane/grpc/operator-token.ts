// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readOrCreate } from '@lockstep/platform/runtime';
import type { Gate } from './call-route';

/** Ours have 43. */
const shortestToken = 32;

/**
 * The token of this control plane's operators, made at the first start and kept in `operator.token`.
 * @throws LockstepError `refused` `operator-token-weak`: an empty file would let in whoever names no token.
 */
export async function openOperatorToken(stateDir: string): Promise<string> {
  const file = path.join(stateDir, 'operator.token');
  const token = (await readOrCreate(file, () => `${randomBytes(32).toString('base64url')}\n`)).trim();
  if (token.length >= shortestToken) return token;
  const message = `${file} holds ${token.length} characters, and a token has at least ${shortestToken}. Remove the file: the next start makes a new one; or write a longer token.`;
  throw new LockstepError('refused', 'operator-token-weak', message, { file, characters: token.length });
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Lets in who names the token. Compares digests in constant time: neither length nor prefix leaks. */
export function operatorGate(token: string): Gate {
  const expected = digest(`Bearer ${token}`);
  return (metadata) => {
    const [given] = metadata.get('authorization');
    if (typeof given === 'string' && timingSafeEqual(digest(given), expected)) return;
    throw new LockstepError(
      'unauthenticated',
      given === undefined ? 'token-missing' : 'token-wrong',
      "This needs the operator's token: it is in operator.token in the control plane's state folder.",
    );
  };
}

/** For calls that carry their own proof. */
export const openGate: Gate = () => undefined;
