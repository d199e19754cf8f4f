// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildSignerOf, type BuildSigner } from '@lockstep/io/certificates';

/** @throws LockstepError `invalid-config` where the key cannot be read: what is built would be loaded nowhere. */
export async function readBuildSigner(file: string | undefined): Promise<BuildSigner | undefined> {
  if (file === undefined) return undefined;
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `The build key ${file} (LOCKSTEP_BUILD_KEY) cannot be read: ${(cause as Error).message}.`;
    throw new LockstepError('invalid-input', 'invalid-config', message, { file }, { cause });
  });
  return buildSignerOf(pem);
}
