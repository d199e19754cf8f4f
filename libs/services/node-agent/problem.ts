// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Problem } from '@lockstep/domain/node-state';
import { isLasting, TransitionFailure } from '@lockstep/io/livepatch-sysfs';

/** About a transition that was taken back. */
const whatToDo =
  'It is tried again by itself. Stop or restart a task that never leaves its function; how long it may take is said in ' +
  'the entry (order append --transition-timeout), and whether tasks that sleep may be interrupted after 12 s (--may-interrupt).';

/** Any thrown value as what a node reports. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof TransitionFailure) {
    const { reason, transition } = error;
    return { reason, message: `${error.message} ${whatToDo}`, transition };
  }
  if (error instanceof LockstepError) {
    return { reason: error.reason, message: error.message, ...(isLasting(error) ? { lasting: true } : {}) };
  }
  // Not by `instanceof Error`: errors of node:fs may come from another realm.
  const { code, message } = (typeof error === 'object' ? error : undefined) as { code?: unknown; message?: unknown };
  return {
    reason: typeof code === 'string' ? `system-${code.toLowerCase()}` : 'unexpected',
    message: typeof message === 'string' ? message : String(error),
  };
}
