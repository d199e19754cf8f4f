// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import type { JoinToken } from '@lockstep/contracts/wire';
import { sha256OfBytes } from '@lockstep/platform/runtime';

export function newJoinToken(caPinSha256: string): JoinToken {
  return { secret: randomBytes(32).toString('base64url'), caPinSha256 };
}

/** What the control plane keeps of a secret, so that its database cannot enrol anybody. */
export function secretSha256(secret: string): string {
  return sha256OfBytes(Buffer.from(secret));
}
