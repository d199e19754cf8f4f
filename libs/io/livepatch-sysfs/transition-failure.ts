// SPDX-License-Identifier: GPL-2.0-only
import { describeTaskHolder, LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';
import type { Transition } from '@lockstep/domain/node-state';
import { showBlocker } from './transition-stats';

/**
 * Why a transition did not come to its end. `transition-timeout`: its time ran out; `transition-failed`: the kernel gave
 * up before that; `interrupted`: whoever waited for it was told to stop.
 */
export type TransitionFailureReason = 'transition-timeout' | 'transition-failed' | 'interrupted';

const kinds: Readonly<Record<TransitionFailureReason, ErrorKind>> = {
  'transition-timeout': 'unavailable',
  'transition-failed': 'unavailable',
  interrupted: 'cancelled',
};

export interface FailedTransition {
  readonly reason: TransitionFailureReason;
  /** As it stood when it was taken back, with the tasks in its way. */
  readonly transition: Transition;
  /** Whether the kernel runs again what it ran before; if not, it is still on its way back. */
  readonly reversed: boolean;
  readonly limitMs: number;
}

function whatHappened({ reason, transition, limitMs }: FailedTransition): string {
  const tries = transition.attempts > 0 ? ` in ${transition.attempts} attempts` : '';
  switch (reason) {
    case 'transition-timeout':
      return `did not end within ${limitMs} ms`;
    case 'transition-failed':
      return `did not succeed${tries}`;
    case 'interrupted':
      return 'was interrupted';
  }
}

/** A transition that was taken back: the kernel runs what it ran before. */
export class TransitionFailure extends LockstepError {
  readonly transition: Transition;

  constructor(failed: FailedTransition) {
    const { reason, transition, reversed } = failed;
    const { module, direction, blockers } = transition;
    const blocking = blockers.map(showBlocker);
    const what = `${direction === 'patching' ? 'Loading' : 'Unloading'} ${module} ${whatHappened(failed)}`;
    const then = reversed ? 'and was taken back: the kernel runs what it ran before' : 'and is still being taken back';
    const holders = new Set(blockers.flatMap(({ heldBy }) => heldBy ?? []));
    const advice = [...holders].map((holder) => ` ${describeTaskHolder(holder)}`).join('');
    const message = `${what} ${then}. Tasks in the way: ${blocking.join(', ') || 'none was named'}.${advice}`;
    super(kinds[reason], reason, message, { module, blocking, reversed });
    this.transition = transition;
  }
}
