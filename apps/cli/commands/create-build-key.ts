// SPDX-License-Identifier: GPL-2.0-only
import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { createBuildKey } from '@lockstep/io/certificates';
import type { Cli, LeafOptions } from '../cli';

/** A key that is there is some machine's trust: never written over. */
async function writeNew(file: string, text: string, mode: number): Promise<void> {
  await writeFile(file, text, { mode, flag: 'wx' }).catch((cause: unknown) => {
    const message = `The build key cannot be written: ${(cause as Error).message}. Choose a file that is not there yet.`;
    throw new LockstepError('invalid-input', 'output-unwritable', message, { file }, { cause });
  });
}

export const createBuildKeyCommand = (cli: Cli): Command =>
  new Command('create')
    .description('make a key that signs what workers build: FILE is theirs (LOCKSTEP_BUILD_KEY), FILE.pub the agents’')
    .argument('<file>', 'where the private key goes; the control plane needs neither')
    .option('--json', 'print one JSON document')
    .action((file: string, options: Pick<LeafOptions, 'json'>) =>
      cli.runHere(options, async () => {
        const { privateKeyPem, publicKeyPem } = createBuildKey();
        const publicFile = `${file}.pub`;
        await writeNew(publicFile, publicKeyPem, 0o644);
        await writeNew(file, privateKeyPem, 0o600);
        return {
          document: { privateFile: file, publicFile, publicKeyPem },
          text: `${file}: give it to build workers (LOCKSTEP_BUILD_KEY)\n${publicFile}: give it to every agent (--build-keys)`,
        };
      }),
    );
