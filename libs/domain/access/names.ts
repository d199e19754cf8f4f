// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** As addresses and accounts are written: `alice`, `alice@example.org`, `ci-web`. */
const form = /^[a-z0-9](?:[a-z0-9._@-]{0,126}[a-z0-9])?$/;

function parseName(what: string, text: string): string {
  if (form.test(text)) return text;
  const message = `"${text.slice(0, 128)}" is no ${what}: use 1 to 128 of a-z, 0-9, ".", "_", "@" and "-", not these four at the ends.`;
  throw new LockstepError('invalid-input', 'invalid-name', message, { what });
}

/** @throws LockstepError `invalid-input` `invalid-name`. */
export const parseTokenName = (text: string): string => parseName('name of a token', text);

/** @throws LockstepError `invalid-input` `invalid-name`. */
export const parseOwnerName = (text: string): string => parseName("owner's name", text);
