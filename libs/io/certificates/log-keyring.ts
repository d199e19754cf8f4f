// SPDX-License-Identifier: GPL-2.0-only
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { LogKey, SignWith } from '@lockstep/domain/load-order';
import { readIfPresent, sha256OfBytes, writePrivateFile } from '@lockstep/platform/runtime';
import { createLogSigner, type LogSigner } from './log-signer';

export function newSigningKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The keys that load orders are signed with: the first, and those that took its place. */
export interface LogKeyring {
  /** The private half of a key; undefined: of the first. @throws LockstepError `not-found` `log-key-missing`. */
  signerOf(key: LogKey | undefined): Promise<LogSigner>;
  readonly sign: SignWith;
  /** A new one, on disk before anything can be signed with it. One that no log brings in does no harm. */
  create(): Promise<LogKey>;
}

/**
 * @param dir holds a file for each key but the first, named by the sha256 of its public half. They are read when they are
 * needed: another control plane that shares the folder may have made one.
 */
export function openLogKeyring(dir: string, first: LogSigner): LogKeyring {
  const known = new Map<LogKey, LogSigner>();
  const fileOf = (key: LogKey): string => path.join(dir, `${sha256OfBytes(Buffer.from(key))}.key`);
  const read = async (key: LogKey): Promise<LogSigner> => {
    const file = fileOf(key);
    const pem = await readIfPresent(file);
    if (pem === undefined) {
      const message = `A load order is signed with a key that is not there: ${file}. Restore the folder of the keys from a backup.`;
      throw new LockstepError('not-found', 'log-key-missing', message, { file });
    }
    const signer = createLogSigner(pem);
    known.set(key, signer);
    return signer;
  };
  const signerOf = async (key: LogKey | undefined): Promise<LogSigner> =>
    key === undefined || key === first.publicKeyPem ? first : (known.get(key) ?? (await read(key)));
  return {
    signerOf,
    sign: async (key, hash) => (await signerOf(key)).sign(hash),
    async create() {
      const pem = newSigningKey();
      const signer = createLogSigner(pem);
      await writePrivateFile(fileOf(signer.publicKeyPem), pem);
      known.set(signer.publicKeyPem, signer);
      return signer.publicKeyPem;
    },
  };
}
