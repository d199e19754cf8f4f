// SPDX-License-Identifier: GPL-2.0-only

/**
 * What a caller can do about an error; `contracts/wire` maps each to one gRPC status.
 * - `invalid-input`: the request is wrong by itself; correct it.
 * - `not-found`, `already-exists`: names something that is not there, or is there already.
 * - `refused`: right in form, but an invariant forbids it now (a conflict, a fork, another kernel build).
 * - `unauthenticated`, `forbidden`: who are you; not yours.
 * - `unavailable`: try again later. `corrupt`: stored or received data fails its check. `internal`: our bug.
 */
export type ErrorKind =
  | 'invalid-input'
  | 'not-found'
  | 'already-exists'
  | 'refused'
  | 'unauthenticated'
  | 'forbidden'
  | 'unavailable'
  | 'cancelled'
  | 'corrupt'
  | 'internal';

export type ErrorFields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Every error a user can meet. `reason` is a stable kebab-case word for programs; `message` says what to do. */
export class LockstepError extends Error {
  override readonly name = 'LockstepError';

  constructor(
    readonly kind: ErrorKind,
    readonly reason: string,
    message: string,
    readonly fields: ErrorFields = {},
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}
