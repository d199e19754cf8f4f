// SPDX-License-Identifier: GPL-2.0-only
import { createHash, hash, X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { HashBytes } from '@lockstep/domain/load-order';

/** sha256 as the load order uses it. */
export const sha256OfBytes: HashBytes = (bytes) => hash('sha256', bytes) as Sha256;

/** Of a file of any size, which is not read whole. */
export async function sha256OfFile(file: string): Promise<Sha256> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) digest.update(chunk as Buffer);
  return digest.digest('hex') as Sha256;
}

/** sha256 (hex) of the certificate's SPKI: the pin that join tokens carry. Takes PEM or DER. */
export function certificatePin(certificate: string | Uint8Array): string {
  const { publicKey } = new X509Certificate(certificate);
  return sha256OfBytes(publicKey.export({ type: 'spki', format: 'der' }));
}
