// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** What the shell is told. The README and `lockstep --help` list the same numbers. */
export const exitCodes = {
  ...{ done: 0, failed: 1, usage: 2, unreachable: 3, timedOut: 4 },
  /** What was waited for has halted: somebody has to say how it goes on. */
  halted: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Errors that the transport itself raised have reasons of its own. */
const transportReason = /^grpc-(?:unavailable|deadline-exceeded)$/;

/** What was given cannot be meant, whoever finds that out: the same words are wrong whatever is there. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof LockstepError)) return exitCodes.failed;
  if (error.kind === 'invalid-input' || error.reason === 'not-configured') return exitCodes.usage;
  if (error.reason === 'timed-out') return exitCodes.timedOut;
  if (error.kind === 'cancelled') return exitCodes.interrupted;
  return transportReason.test(error.reason) ? exitCodes.unreachable : exitCodes.failed;
}
