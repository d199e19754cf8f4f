// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseLogKey, type LogKey } from '@lockstep/domain/load-order';
import { readIfPresent, writePrivateFile } from '@lockstep/platform/runtime';

const fileIn = (stateDir: string): string => path.join(stateDir, 'log-key.pem');

/**
 * The newest log key that this node has come to know, by whatever kernel's load order; undefined: the one that it enrolled with.
 * @throws LockstepError `corrupt` `log-key-damaged`.
 */
export async function readNewestLogKey(stateDir: string): Promise<LogKey | undefined> {
  const file = fileIn(stateDir);
  const text = await readIfPresent(file);
  if (text === undefined) return undefined;
  try {
    return parseLogKey(text);
  } catch (cause) {
    const message = `${file} does not hold a key: restore it from a backup. Removed, an older key would be trusted again.`;
    throw new LockstepError('corrupt', 'log-key-damaged', message, { file }, { cause });
  }
}

export const keepNewestLogKey = (stateDir: string, key: LogKey): Promise<void> =>
  writePrivateFile(fileIn(stateDir), key);
