// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

const mostChars = 1_000;

/**
 * Why somebody wants something: kept and shown with it for ever. Nothing but blanks is no reason.
 * @throws LockstepError `invalid-input` `reason-too-long`
 */
export function askedReason(text: string): string {
  const reason = text.trim();
  if (reason.length <= mostChars) return reason;
  throw new LockstepError('invalid-input', 'reason-too-long', `A reason has at most ${mostChars} characters.`);
}
