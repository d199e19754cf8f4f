// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { fileFault } from './file-fault';

export const secretOption = [
  '--secret-file <file>',
  'file with the secret, "whsec_" and base64 (default: one is made and shown, once)',
] as const;

const secretBytes = 32;

/** Made here, so that no answer of the control plane has it to be kept. @throws LockstepError `usage`. */
export function chooseSecret(file: string | undefined): string {
  if (file === undefined) return `whsec_${randomBytes(secretBytes).toString('base64')}`;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const message = `The secret in ${file} cannot be read: ${fileFault(error)}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause: error });
  }
}
