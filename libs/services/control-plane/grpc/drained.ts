// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorFields } from '@lockstep/domain/livepatch-model';

/** A stream whose reader may be behind. */
export interface Drainable {
  once(event: 'drain', listener: () => void): unknown;
  removeListener(event: 'drain', listener: () => void): unknown;
}

export interface DrainLimits {
  /** Who reads, as in "Node n1". */
  readonly reader: string;
  readonly withinMs: number;
  /** Ends the waiting with its reason. */
  readonly signal?: AbortSignal;
  readonly fields?: ErrorFields;
}

/**
 * Resolves when the reader has caught up.
 * @throws LockstepError `unavailable` `reader-too-slow` when it has not within the time; the signal's reason.
 */
export function drained(stream: Drainable, { reader, withinMs, signal, fields }: DrainLimits): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => (): void => {
      clearTimeout(timer);
      stream.removeListener('drain', onDrain);
      signal?.removeEventListener('abort', onAbort);
      finish();
    };
    const onDrain = settle(resolve);
    const onAbort = settle(() => {
      reject(signal?.reason as Error);
    });
    const timer = setTimeout(
      settle(() => {
        const message = `${reader} did not read for ${withinMs} ms.`;
        reject(new LockstepError('unavailable', 'reader-too-slow', message, fields));
      }),
      withinMs,
    );
    if (signal?.aborted === true) {
      onAbort();
      return;
    }
    stream.once('drain', onDrain);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
