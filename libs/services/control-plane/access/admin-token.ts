// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes, randomUUID } from 'node:crypto';
import path from 'node:path';
import { everywhere } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Database } from '@lockstep/io/database';
import { readOrCreate, sha256OfBytes } from '@lockstep/platform/runtime';

export const adminTokenFile = (keysDir: string): string => path.join(keysDir, 'operator.token');

/** Ours have more than 43. */
const shortestToken = 32;

/**
 * The token of this machine's own admin: whoever may write into the state folder has the keys too. It is kept in
 * `operator.token`, as it was when one token was all there was, and is good from the next start on.
 * @returns it. @throws LockstepError `refused` `operator-token-weak`.
 */
export async function openAdminToken(
  keysDir: string,
  { accessTokens }: Pick<Database, 'accessTokens'>,
): Promise<string> {
  const file = adminTokenFile(keysDir);
  const token = (await readOrCreate(file, () => `lockstep_${randomBytes(32).toString('base64url')}\n`)).trim();
  if (token.length < shortestToken) {
    const message = `${file} holds ${token.length} characters, and a token has at least ${shortestToken}. Remove the file: the next start makes a new one; or write a longer token.`;
    throw new LockstepError('refused', 'operator-token-weak', message, { file, characters: token.length });
  }
  const owner = { kind: 'person', name: 'local-admin' } as const;
  const rights = { owner, roles: ['admin'], scope: everywhere } as const;
  const secretSha256 = sha256OfBytes(Buffer.from(token));
  const about = { createdBy: 'start', expiresAt: null, session: false, certificate: false, begunWith: null };
  const admin = { id: randomUUID(), name: 'local-admin', ...rights, secretSha256, ...about };
  await accessTokens.replace(admin, new Date());
  return token;
}
