// SPDX-License-Identifier: GPL-2.0-only
import { rm } from 'node:fs/promises';
import { Command } from 'commander';
import { createBuildKey } from '@lockstep/io/certificates';
import type { Cli, LeafOptions } from '../cli';
import { writeNewFile } from '../file-fault';

/** The private one first: a public key that fits none beside it would have agents refuse what is built. */
async function writePair(
  privateFile: string,
  privateKeyPem: string,
  publicFile: string,
  publicKeyPem: string,
): Promise<void> {
  await writeNewFile(privateFile, privateKeyPem, 0o600);
  try {
    await writeNewFile(publicFile, publicKeyPem, 0o644);
  } catch (error) {
    await rm(privateFile);
    throw error;
  }
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
        await writePair(file, privateKeyPem, publicFile, publicKeyPem);
        return {
          document: { privateFile: file, publicFile, publicKeyPem },
          text: `${file}: give it to build workers (LOCKSTEP_BUILD_KEY)\n${publicFile}: give it to every agent (--build-keys)`,
        };
      }),
    );
