// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildVerifierOf } from '@lockstep/io/certificates';
import type { NodeAgentOptions } from '@lockstep/services/node-agent';
import type { AgentConfig } from './config';

/**
 * A machine that was told of build keys loads nothing without them: keys that cannot be read keep the agent from starting.
 * @throws LockstepError `invalid-input`: `build-keys-unreadable`, `invalid-build-key`
 */
export async function readBuildPolicy({
  buildKeysFile: file,
  allowUnsigned = [],
}: Pick<AgentConfig, 'buildKeysFile' | 'allowUnsigned'>): Promise<Pick<NodeAgentOptions, 'buildPolicy'>> {
  if (file === undefined) return {};
  const pem = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `The build keys in ${file} cannot be read: ${(cause as Error).message}. Nothing is loaded without them.`;
    throw new LockstepError('invalid-input', 'build-keys-unreadable', message, { file }, { cause });
  });
  return { buildPolicy: { isSigned: buildVerifierOf([pem]), unsigned: new Set(allowUnsigned) } };
}
