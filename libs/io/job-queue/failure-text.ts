// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';
import { isConnectionLost, storableText } from '@lockstep/platform/runtime';
import type { JobFailure } from './jobs';

/** A compiler's output is unbounded; the first errors are the ones that matter. */
const messageLimit = 16_000;

const storable = (text: string): string => storableText(text.slice(0, messageLimit));

function isRetryable(kind: ErrorKind): boolean {
  switch (kind) {
    case 'unavailable':
    case 'cancelled':
    case 'corrupt':
    case 'internal':
      return true;
    case 'invalid-input':
    case 'not-found':
    case 'already-exists':
    case 'refused':
    case 'unauthenticated':
    case 'forbidden':
      return false;
  }
}

/** What a worker's error says to whoever waits for the job. */
export function failureOf(error: unknown): JobFailure {
  if (error instanceof LockstepError) {
    return { reason: error.reason, message: storable(error.message), retryable: isRetryable(error.kind) };
  }
  if (isConnectionLost(error)) {
    const message = 'The job queue went away in the middle of it: submit it once more.';
    return { reason: 'queue-unavailable', message, retryable: true };
  }
  const text = error instanceof Error ? error.message : String(error);
  return { reason: 'internal', message: storable(`The worker failed: ${text}`), retryable: true };
}

/** The queue keeps one string of a failure. */
export const failureToText = (failure: JobFailure): string => JSON.stringify(failure);

/** Reads that string back; the queue's own words are about a worker that went away. */
export function failureFromText(text: string): JobFailure {
  try {
    const value = JSON.parse(text) as Partial<JobFailure> | null;
    const { reason, message, retryable } = value ?? {};
    if (typeof reason === 'string' && typeof message === 'string') {
      return { reason, message, retryable: retryable === true };
    }
  } catch {
    // Not ours.
  }
  // A job fails with the part that was lost: others are results.
  if (/stalled|^child /.test(text)) {
    const message = 'The worker died in the middle of it, and so did the one that took it again: submit it once more.';
    return { reason: 'worker-lost', message, retryable: true };
  }
  return { reason: 'internal', message: `The queue failed the job: ${text}`, retryable: true };
}
