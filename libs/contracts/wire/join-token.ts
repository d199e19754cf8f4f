// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

const prefix = 'lsjoin1';

/** One-time secret with which a machine becomes a node, and the pin by which it knows the server. */
export interface JoinToken {
  /** base64url, 256 bits. */
  readonly secret: string;
  /** sha256 (hex) of the CA certificate's SPKI. */
  readonly caPinSha256: string;
}

export function formatJoinToken({ secret, caPinSha256 }: JoinToken): string {
  return `${prefix}.${secret}.${caPinSha256}`;
}

/** @throws LockstepError `invalid-input`; the message does not repeat the secret. */
export function parseJoinToken(text: string): JoinToken {
  const match = /^lsjoin1\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})$/.exec(text.trim());
  const [, secret, caPinSha256] = match ?? [];
  if (secret === undefined || caPinSha256 === undefined) {
    throw new LockstepError(
      'invalid-input',
      'invalid-join-token',
      `This is not a join token: copy the whole ${prefix}.… line that \`lockstep node join\` printed.`,
    );
  }
  return { secret, caPinSha256 };
}
