// SPDX-License-Identifier: GPL-2.0-only

/** Writes one line with the error's stack, at once: the process may end right after it. */
export type SayUnforeseen = (message: string, error: unknown) => void;

/**
 * What every service does about an error that nobody foresaw:
 * - A promise failed that nobody waited for: it is logged, and the process goes on. Whoever began that work has unwound
 *   as after any other error, and nothing else was interrupted; to end would cut off all that is well.
 * - An exception came up that nobody caught: it is logged, and the process ends with code 1. It left some callback in its
 *   middle, so what that kept in memory is not to be trusted any more. What is on disk is, and a supervisor starts the
 *   service anew from there.
 */
export function installLastResort(say: SayUnforeseen, end: () => void = () => process.exit(1)): void {
  process.on('unhandledRejection', (reason) => {
    say('a promise failed that nobody waited for: this is a bug, please report it', reason);
  });
  process.on('uncaughtException', (error) => {
    try {
      say('an error that nobody caught, the process ends: this is a bug, please report it', error);
    } finally {
      end();
    }
  });
}
