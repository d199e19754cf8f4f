// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { moduleSignerOf, openBuildSigner, type ModuleHash } from '@lockstep/io/certificates';

/** Of a kernel's keyring: RSA key and X.509 certificate (PEM). */
export interface ModuleKeyFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly hash: ModuleHash;
}

/** Signs a module in every way that this worker was given a key for. */
export interface WorkerSigner {
  /** As kernels show the key that they check modules with; undefined where there is none. */
  readonly moduleKeyId: string | undefined;
  sign(module: Uint8Array): Promise<Uint8Array>;
}

/**
 * @param buildKey a file, or a key on a token
 * @throws LockstepError `invalid-config` where a key cannot be read: what is built would be loaded nowhere.
 */
export async function readSigners(
  buildKey: string | undefined,
  moduleKey: ModuleKeyFiles | undefined,
): Promise<WorkerSigner> {
  const build = buildKey === undefined ? undefined : await openBuildSigner(buildKey, readKey);
  const kernel =
    moduleKey === undefined
      ? undefined
      : moduleSignerOf(await readKey(moduleKey.keyFile), await readKey(moduleKey.certificateFile), moduleKey.hash);
  // The kernel looks for its own at the very end, and it covers all before it.
  const signWithAll = async (module: Uint8Array): Promise<Uint8Array> => {
    const built = build === undefined ? module : await build.sign(module);
    return kernel === undefined ? built : kernel.sign(built);
  };
  return { moduleKeyId: kernel?.keyId, sign: signWithAll };
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `The key ${file} cannot be read: ${(cause as Error).message}.`;
    throw new LockstepError('invalid-input', 'invalid-config', message, { file }, { cause });
  });
}
