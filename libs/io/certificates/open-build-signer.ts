// SPDX-License-Identifier: GPL-2.0-only
import { buildSignerOf, type BuildSigner } from './build-key';
import { openTokenSigner } from './token-build-key';

/**
 * @param where a file, or `pkcs11:…` of a key on a token (RFC 7512)
 * @throws LockstepError `invalid-input` `invalid-build-key`, `build-token-failed`; what `readKey` throws.
 */
export async function openBuildSigner(where: string, readKey: (file: string) => Promise<string>): Promise<BuildSigner> {
  return where.startsWith('pkcs11:') ? openTokenSigner(where) : buildSignerOf(await readKey(where));
}
