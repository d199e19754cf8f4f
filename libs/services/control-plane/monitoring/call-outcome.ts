// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';
import { explainDatabaseError } from '@lockstep/io/database';

/** How a call ended: `ok`, or the kind of its error. */
export type CallOutcome = 'ok' | ErrorKind;

/** @param error undefined where there was none; that of a caller who went is an AbortError */
export function outcomeOf(error: unknown): CallOutcome {
  if (error === undefined) return 'ok';
  const explained = explainDatabaseError(error);
  if (explained instanceof LockstepError) return explained.kind;
  return error instanceof DOMException && error.name === 'AbortError' ? 'cancelled' : 'internal';
}
