// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

const lasting: ReadonlySet<string> = new Set([
  // By the server, of what the node shows.
  ...['certificate-revoked', 'certificate-superseded', 'certificate-of-other-ca', 'certificate-not-yet-valid'],
  ...['unknown-node', 'node-removed'],
  // By the node, of what the server shows.
  ...['server-certificate-expired', 'server-certificate-not-yet-valid', 'server-name-wrong', 'server-of-other-ca'],
]);

/** Somebody must do something before it is mended, or a clock be set: to try again soon costs both sides a handshake, for nothing. */
export const isLastingRefusal = (error: unknown): boolean =>
  error instanceof LockstepError && lasting.has(error.reason);
