// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseLogKey, type LogKey } from '@lockstep/domain/load-order';
import { readIfPresent, sha256OfBytes, writePrivateFile } from '@lockstep/platform/runtime';
import type { LogAnchor } from './loader';

/** Of one cluster's load orders: a machine that joins another cluster, or one of that name elsewhere, has come to none of its keys. */
const fileOf = (stateDir: string, { cluster, logPublicKey }: LogAnchor): string => {
  const first = sha256OfBytes(Buffer.from(logPublicKey.trim())).slice(0, 16);
  return path.join(stateDir, 'log-keys', `${cluster}-${first}.pem`);
};

/**
 * The newest log key that this node has come to know, by whatever kernel's load order; undefined: the one that it enrolled with.
 * @throws LockstepError `corrupt` `log-key-damaged`.
 */
export async function readNewestLogKey(stateDir: string, anchor: LogAnchor): Promise<LogKey | undefined> {
  const file = fileOf(stateDir, anchor);
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return parseLogKey(text);
  } catch (cause) {
    const message = `${file} does not hold a key: restore it from a backup. Removed, an older key would be trusted again.`;
    throw new LockstepError('corrupt', 'log-key-damaged', message, { file }, { cause });
  }
}

export const keepNewestLogKey = (stateDir: string, anchor: LogAnchor, key: LogKey): Promise<void> =>
  writePrivateFile(fileOf(stateDir, anchor), key);
