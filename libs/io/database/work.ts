// SPDX-License-Identifier: GPL-2.0-only
import { storableText } from '@lockstep/platform/runtime';
import type { WorkStatus } from './generated/client';

export type { WorkStatus };

/** How far a job has come, as its worker says. */
export interface WorkProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

export interface WorkFailure {
  /** A stable word. */
  readonly reason: string;
  readonly message: string;
  /** It was not the input that was wrong: asking again may help. */
  readonly retryable: boolean;
}

export interface WorkState {
  readonly status: WorkStatus;
  readonly progress: WorkProgress;
  /** How often a worker took it. */
  readonly attempts: number;
  readonly failure: WorkFailure | null;
  readonly queuedAt: Date;
  readonly endedAt: Date | null;
}

interface WorkRow {
  status: WorkStatus;
  stage: string;
  done: number;
  total: number;
  attempts: number;
  failureReason: string | null;
  failureText: string | null;
  retryable: boolean;
  queuedAt: Date;
  endedAt: Date | null;
}

export function workState(row: WorkRow): WorkState {
  const { status, stage, done, total, attempts, failureReason: reason, failureText, retryable } = row;
  const failure = reason === null ? null : { reason, message: failureText ?? '', retryable };
  return { status, progress: { stage, done, total }, attempts, failure, queuedAt: row.queuedAt, endedAt: row.endedAt };
}

/** Only work that has not ended changes: a late or repeated report of a worker does nothing. */
export const notEnded = { status: { in: ['queued', 'running'] as WorkStatus[] } };

export const failed = ({ reason, message, retryable }: WorkFailure, attempts: number) => ({
  status: 'failed' as const,
  failureReason: reason,
  // A compiler may print anything.
  failureText: storableText(message),
  retryable,
  attempts,
  endedAt: new Date(),
});

export const running = (progress: WorkProgress | undefined, attempts: number) => ({
  status: 'running' as const,
  ...progress,
  attempts,
});

export const cancelled = () => ({
  status: 'cancelled' as const,
  failureReason: 'build-cancelled',
  failureText: 'It was cancelled. Submit the patch again to build it after all.',
  retryable: true,
  endedAt: new Date(),
});

/** As when it was first queued. */
export const queuedAgain = () => ({
  status: 'queued' as const,
  stage: '',
  done: 0,
  total: 0,
  attempts: 0,
  failureReason: null,
  failureText: null,
  retryable: false,
  queuedAt: new Date(),
  endedAt: null,
});
