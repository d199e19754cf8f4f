// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';

/** The one place where errors meet HTTP (RFC 9110). */
const statusOf: Readonly<Record<ErrorKind, number>> = {
  'invalid-input': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'already-exists': 409,
  // An invariant forbids it as things are.
  refused: 409,
  internal: 500,
  corrupt: 500,
  unavailable: 503,
  cancelled: 503,
};

/** RFC 9457; `kind`, `reason` and `fields` are those that gRPC's callers get. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly kind: ErrorKind;
  readonly reason: string;
  readonly fields: LockstepError['fields'];
}

export const problemType = 'application/problem+json';

/** What is no LockstepError stays inside: the caller learns only that it is our bug. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof LockstepError)) {
    return problemOf(new LockstepError('internal', 'internal', 'Internal error; the server log has it.'));
  }
  const { kind, reason, message: detail, fields } = error;
  return { status: statusOf[kind], title: reason.replaceAll('-', ' '), detail, kind, reason, fields };
}

export const problemSchema = {
  type: 'object',
  description: 'What went wrong (RFC 9457).',
  properties: {
    status: { type: 'integer' },
    title: { type: 'string' },
    detail: { type: 'string', description: 'What is wrong and what to do, for people.' },
    kind: { type: 'string', enum: Object.keys(statusOf) },
    reason: { type: 'string', description: 'A stable word for programs.' },
    fields: { type: 'object' },
  },
  required: ['status', 'title', 'detail', 'kind', 'reason', 'fields'],
} as const;
