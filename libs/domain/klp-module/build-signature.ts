// SPDX-License-Identifier: GPL-2.0-only

import { withoutModuleSignature } from './module-signature';

/** A module's bytes as its builder signed them, and that signature. */
export interface SignedModule {
  /** What the signature is about: the module without it. */
  readonly content: Uint8Array;
  /** Ed25519, 64 bytes, over `signedText`. */
  readonly signature: Uint8Array;
}

const signatureBytes = 64;
/** Behind the signature, at the file's end; kernels pass over what follows a module's last section. */
const mark = new TextEncoder().encode('~Lockstep build signature 1~\n');
/** So that a signature of something else is never one of a module. */
const subject = 'lockstep module 1\n';

/** What a build key signs: what it is about, and the module's sha256 (lower-case hex). */
export const signedText = (contentSha256: string): Uint8Array => new TextEncoder().encode(subject + contentSha256);

/** @param signature 64 bytes */
export function withBuildSignature(content: Uint8Array, signature: Uint8Array): Uint8Array {
  if (signature.length !== signatureBytes) throw new Error(`a signature of ${signature.length} bytes`);
  const bytes = new Uint8Array(content.length + signatureBytes + mark.length);
  bytes.set(content);
  bytes.set(signature, content.length);
  bytes.set(mark, content.length + signatureBytes);
  return bytes;
}

/** Null for a module that no build key has signed. */
export function readBuildSignature(file: Uint8Array): SignedModule | null {
  // The kernel's own is put behind all that is ours.
  const bytes = withoutModuleSignature(file);
  const at = bytes.length - mark.length - signatureBytes;
  if (at < 0 || !mark.every((byte, index) => bytes[at + signatureBytes + index] === byte)) return null;
  return { content: bytes.subarray(0, at), signature: bytes.subarray(at, at + signatureBytes) };
}
