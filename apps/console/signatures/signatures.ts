// SPDX-License-Identifier: GPL-2.0-only
import { ApiProblem } from '../api/problem';

export const bytesOfBase64 = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

export const bytesOfHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));

export const hexOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

export const sha256Of = async (bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes)));

/** In browsers since 2023 (Safari), 2024 (Firefox) and 2025 (Chromium). */
const noEd25519 = (): ApiProblem =>
  new ApiProblem({
    ...{ status: 0, kind: 'refused', reason: 'no-ed25519' },
    detail:
      'This browser does not know Ed25519: use a newer one (Chromium 137, Firefox 129, Safari 17), or verify by the lockstep command.',
  });

/** @param pem SPKI @throws ApiProblem `no-ed25519` */
export async function publicKeyOf(pem: string): Promise<CryptoKey> {
  const spki = bytesOfBase64(pem.replaceAll(/-----[^-]+-----|\s/g, ''));
  try {
    return await crypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotSupportedError') throw noEd25519();
    throw error;
  }
}

/** By a key of `publicKeyOf`. */
export const isSignedBy = (
  key: CryptoKey,
  bytes: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
): Promise<boolean> => crypto.subtle.verify('Ed25519', key, signature, bytes);
