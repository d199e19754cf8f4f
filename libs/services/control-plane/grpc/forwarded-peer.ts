// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';

/** Where a call by HTTP came from, which its connection to the operator port does not show. */
export const forwardedPeerHeader = 'lockstep-forwarded-peer';

/** Of this process: only its own HTTP API can say it. */
const secret = randomBytes(32).toString('hex');

/** @param peer address and port */
export const forwardedPeer = (peer: string): string => `${secret} ${peer}`;

/** @returns the peer, of a call that this process has passed on; undefined of any other, whatever it says. */
export function forwardedPeerIn(metadata: Metadata): string | undefined {
  const [given] = metadata.get(forwardedPeerHeader);
  if (typeof given !== 'string') return undefined;
  const [shown, said] = [Buffer.from(given.slice(0, secret.length)), given.slice(secret.length + 1)];
  return shown.length === secret.length && timingSafeEqual(shown, Buffer.from(secret)) ? said : undefined;
}
