// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildSignerOf, moduleSignerOf, type ModuleHash } from '@lockstep/io/certificates';

/** Of a kernel's keyring: RSA key and X.509 certificate (PEM). */
export interface ModuleKeyFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly hash: ModuleHash;
}

/** Signs a module in every way that this worker was given a key for. */
export type SignModule = (module: Uint8Array) => Uint8Array;

/** @throws LockstepError `invalid-config` where a key cannot be read: what is built would be loaded nowhere. */
export async function readSigners(
  buildKeyFile: string | undefined,
  moduleKey: ModuleKeyFiles | undefined,
): Promise<SignModule> {
  const build = buildKeyFile === undefined ? undefined : buildSignerOf(await readKey(buildKeyFile));
  const kernel =
    moduleKey === undefined
      ? undefined
      : moduleSignerOf(await readKey(moduleKey.keyFile), await readKey(moduleKey.certificateFile), moduleKey.hash);
  // The kernel looks for its own at the very end, and it covers all before it.
  return (module) => {
    const built = build === undefined ? module : build.sign(module);
    return kernel === undefined ? built : kernel.sign(built);
  };
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `The key ${file} cannot be read: ${(cause as Error).message}.`;
    throw new LockstepError('invalid-input', 'invalid-config', message, { file }, { cause });
  });
}
