// SPDX-License-Identifier: GPL-2.0-only

/** What the API answers when it does not do what was asked (RFC 9457). */
export interface ProblemDocument {
  readonly status: number;
  readonly kind: string;
  readonly reason: string;
  /** What is wrong and what to do, for people. */
  readonly detail: string;
}

/** A call that was not done, or of which that is not known. */
export class ApiProblem extends Error {
  readonly kind: string;
  readonly reason: string;
  readonly status: number;

  constructor({ kind, reason, detail, status }: ProblemDocument) {
    super(detail);
    this.name = 'ApiProblem';
    this.kind = kind;
    this.reason = reason;
    this.status = status;
  }

  /** Nobody answered, or not now: the same call may do later. */
  get isPassing(): boolean {
    return this.kind === 'unavailable';
  }

  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

const isDocument = (value: unknown): value is ProblemDocument =>
  typeof value === 'object' && value !== null && 'detail' in value && 'kind' in value;

/** Whatever an unsuccessful answer held. */
export function problemFrom(value: unknown, status: number): ApiProblem {
  if (isDocument(value)) return new ApiProblem({ ...value, status });
  // A proxy before the control plane answers in its own words.
  const isPassing = status >= 500;
  const detail = `The control plane answered with status ${status} and no explanation${isPassing ? '; it is asked again' : ''}.`;
  return new ApiProblem({
    ...{ status, detail, reason: `status-${status}` },
    kind: isPassing ? 'unavailable' : 'internal',
  });
}

export const nobodyAnswered = (): ApiProblem =>
  new ApiProblem({
    ...{ status: 0, kind: 'unavailable', reason: 'no-answer' },
    detail: 'The control plane does not answer. It is asked again until it does.',
  });

export const asProblem = (error: unknown): ApiProblem =>
  error instanceof ApiProblem
    ? error
    : new ApiProblem({ status: 0, kind: 'internal', reason: 'console', detail: String(error) });
