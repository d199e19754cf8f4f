// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';
import { explainDatabaseError } from '@lockstep/io/database';

/** A kind that is new does not compile until it stands here. */
export const errorKinds = Object.keys({
  ...{ 'invalid-input': true, 'not-found': true, 'already-exists': true, refused: true, unauthenticated: true },
  ...{ forbidden: true, unavailable: true, cancelled: true, corrupt: true, internal: true },
} satisfies Record<ErrorKind, true>) as ErrorKind[];

/** How it leaves the process; that of a caller who went is an AbortError. */
export function errorKindOf(error: unknown): ErrorKind {
  const explained = explainDatabaseError(error);
  if (explained instanceof LockstepError) return explained.kind;
  return error instanceof DOMException && error.name === 'AbortError' ? 'cancelled' : 'internal';
}
