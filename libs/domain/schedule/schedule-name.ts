// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** Of a window or a freeze. @throws LockstepError `invalid-input` `invalid-name`. */
export function parseScheduleName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  const message = `"${text.slice(0, 64)}" is no name of a window or freeze: use 1 to 63 of a-z, 0-9 and "-", not at the ends.`;
  throw new LockstepError('invalid-input', 'invalid-name', message);
}
